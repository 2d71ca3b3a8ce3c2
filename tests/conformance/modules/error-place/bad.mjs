
void null.x;
