#!/usr/bin/perl
# Holds the direction of includes (DESIGN: base ← config ← link ← {queue, results, sandbox} ← executor
# ← cli; egress stands on config) and "one third-party library, one file". Perl core only.
#
#   tools/check-includes.pl [FOLDER]     default: the checkout that this script lies in
#
# Exit 0: fine. 1: violations, one a line (file:line: what it includes; what is allowed). 2: usage.
#
# Two tables say everything. A folder or a library that no table knows is a violation as well, so that
# neither can creep in unseen: add a row, and think about the direction while at it.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find qw(find);

# Which of our headers a folder may include: folders (with what is below them) and single files. The
# longest name that fits a file is its row.
my @supervisor_low = qw(base config link);
my @sandbox_face = qw(sandbox/jail sandbox/host sandbox/frame.h sandbox/zygote/control.h);
my @jobs = qw(egress queue results);
my @running = qw(executor/cells executor/attempt executor/sources executor/artifacts executor/services);
my @cli_root = map { "cli/$_.h" } qw(command filter ids key options patience rights secrets signing);
my %may = (
    'base'             => [qw(base)],
    'config'           => [qw(base config)],
    'egress'           => [qw(base config egress)],
    'link'             => [qw(base config link)],
    'queue'            => [@supervisor_low, qw(queue)],
    'queue/job'        => [@supervisor_low, qw(queue/job)],
    'queue/stream'     => [@supervisor_low, qw(queue/job queue/stream queue/dead.h)],
    'queue/schedule'   => [@supervisor_low, qw(queue/job queue/schedule)],
    'results'          => [@supervisor_low, qw(results)],
    'sandbox/frame'    => [qw(sandbox/frame.h)],                       # spoken by both sides
    'sandbox/jail'     => [qw(base config sandbox/jail)],
    'sandbox/host'     => [qw(base config), @sandbox_face],
    # The cell: nothing of the supervisor but what describes the jail and carries an error.
    'sandbox/engine'   => [qw(base/err.h base/pack.h sandbox/frame.h sandbox/engine)],
    'sandbox/zygote'   => [qw(base config sandbox/jail sandbox/frame.h sandbox/engine/engine.h sandbox/zygote)],
    'executor'         => [@supervisor_low, qw(egress queue results), @sandbox_face, qw(executor)],
    # Inside it: cells ← attempt with its sources, artifacts and services ← the core ← cluster ← front.
    'executor/cells'     => [@supervisor_low, qw(queue), @sandbox_face, qw(executor/cells)],
    'executor/artifacts' => [@supervisor_low, qw(executor/artifacts)],
    'executor/attempt'   => [@supervisor_low, @jobs, @sandbox_face, @running],
    'executor/sources'   => [@supervisor_low, @jobs, @sandbox_face, @running],
    'executor/services'  => [@supervisor_low, @jobs, @sandbox_face, @running, 'executor/net.h'],
    'executor/cluster'   => [@supervisor_low, @jobs, @sandbox_face, @running, qw(executor/executor.h executor/cluster)],
    'cli'              => [@supervisor_low, qw(egress queue results), @sandbox_face, qw(executor cli)],
    # What commands share knows no command.
    map({ ("cli/$_" => [@supervisor_low, @jobs, @sandbox_face, qw(executor cli/client cli/doctor cli/print cli/source), @cli_root]) }
        qw(client doctor print source)),
    'bench'            => [@supervisor_low, qw(egress queue results), @sandbox_face, qw(executor bench)],
    'tools'            => [qw(sandbox/jail/syscalls.h sandbox/jail/forker_syscalls.h)],
    'tests'            => [@supervisor_low, qw(egress queue results sandbox executor cli tests)],
);

# tests/unit/<room>_<what>_test.c is linked with its room and those below it, so it sees what the room
# sees. A header there (shared by tests) is named after its room too, or sees everything.
my %folder_of_room = (jail => 'sandbox/jail', host => 'sandbox/host',
    map { $_ => $_ } qw(base config egress link queue results executor cli));

# Made at build time, found through -Ibuild/gen.
my %generated = map { $_ => 'sandbox/jail' } qw(seccomp_filter.h syscall_names.h);

# Which files may include a library. tests/ may include any: they look at our work from outside.
my $loop = qr{^(?:egress|link|queue|results|sandbox/host|executor|cli|bench)/};
my @library = (
    [qr/^jansson\.h$/,           'jansson',      qr{^base/jv\.c$},            'base/jv.c'],
    [qr/^sodium(?:\.h|\/)/,      'libsodium',
        qr{^(?:base/crypto\.c|sandbox/engine/(?:native_random|sodium/[a-z_]+|crypto/crypto_okp|crypto/crypto_jwk)\.cc)$},
        'base/crypto.c, and in the cell sandbox/engine/sodium/*.cc, native_random.cc, crypto/crypto_okp.cc, crypto/crypto_jwk.cc'],
    [qr/^openssl\//,            'OpenSSL',      qr{^(?:base/digest\.c|sandbox/engine/crypto/[a-z_]+\.(?:cc|h))$},
        'base/digest.c, and in the cell sandbox/engine/crypto/'],
    [qr/^c?yaml(?:\.h|\/)/,      'libyaml',      qr{^config/reader\.c$},      'config/reader.c'],
    [qr/^ares(?:_[a-z]+)?\.h$/,  'c-ares',       qr{^egress/dns\.c$},        'egress/dns.c'],
    [qr/^zlib\.h$/,              'zlib',         qr{^(?:sandbox/engine/native_codec\.cc|queue/job/archive_gzip\.c)$}, 'sandbox/engine/native_codec.cc, queue/job/archive_gzip.c'],
    [qr/^curl\//,               'libcurl',      qr{^egress/http_inner\.h$}, 'egress/http_inner.h'],
    [qr/^wslay\//,              'wslay',        qr{^egress/ws_frames\.c$},  'egress/ws_frames.c'],
    [qr/^glib(?:\.h|\/)/,         'GLib',         qr{^(?:queue/schedule/zone|egress/ws_accept)\.c$}, 'queue/schedule/zone.c, egress/ws_accept.c'],
    [qr/^nats(?:\.h|\/)/,        'the NATS client', qr{^link/native\.c$},     'link/native.c'],
    [qr/^sqlite3(?:ext)?\.h$/,   'SQLite',       qr{^results/(?:db|gather)\.c$}, 'results/db.c, results/gather.c'],
    [qr/^uv(?:\.h|\/)/,          'libuv',        $loop, 'egress, link, queue, results, sandbox/host, executor, cli, bench'],
    [qr/^ut[a-z]+\.h$/,          'uthash',       $loop, 'egress, link, queue, results, sandbox/host, executor, cli, bench'],
    [qr/^libsmartcols\//,        'libsmartcols', qr{^cli/print/table\.c$},          'cli/print/table.c'],
    [qr/^seccomp\.h$/,           'libseccomp',   qr{^tools/mkfilter\.c$},     'tools/mkfilter.c'],
    [qr/^(?:v8[a-z0-9-]*\.h$|libplatform\/|cppgc\/)/, 'V8', qr{^sandbox/engine/}, 'sandbox/engine'],
    [qr/^cmocka(?:_[a-z]+)?\.h$/, 'cmocka',      qr{^tests/},                 'tests'],
);

# What belongs to the language and the system: no library of anybody's.
my %system = map { $_ => 1 } map { "$_.h" } qw(
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
    wchar wctype
    cpio dirent dlfcn fcntl fmtmsg fnmatch ftw glob grp iconv langinfo libgen link malloc mqueue
    netdb nl_types poll pthread pty pwd regex sched search semaphore spawn strings syslog tar termios
    ucontext ulimit unistd utime utmpx wordexp
    alloca byteswap elf endian err execinfo features getopt ifaddrs mntent paths utmp);
sub is_system {
    my ($h) = @_;
    return $system{$h} || $h =~ m{^(?:sys|linux|asm|net|netinet|arpa)/[a-z0-9_/-]+\.h$} || $h =~ m{^[a-z_]+$}; # the last: C++
}

# ---- the walk ----

my ($files, $includes, @wrong) = (0, 0);

sub room_row {
    my ($file) = @_;
    if ($file =~ m{^tests/unit/([a-z]+)_} && $folder_of_room{$1}) {
        my $folder = $folder_of_room{$1};
        return ("tests of $folder", [@{ $may{$folder} }, 'tests/unit']);
    }
    my $name = $file;
    while ($name =~ s{[/.][^/.]*$}{}) {
        return ($name, $may{$name}) if $may{$name};
    }
    return;
}

sub within {
    my ($header, $allowed) = @_;
    return grep { $header eq $_ || index($header, "$_/") == 0 } @$allowed;
}

sub check_ours {
    my ($file, $header, $row, $allowed) = @_;
    return if $header !~ m{/} && $generated{$header} && within("$generated{$header}/x", $allowed);
    return "write the path from the top of the checkout, as in \"base/err.h\"" if $header !~ m{/} || $header =~ m{^\.|/\.\./};
    return if within($header, $allowed);
    return "$row may include " . join(', ', @$allowed);
}

sub check_library {
    my ($file, $header) = @_;
    return if is_system($header) || $file =~ m{^tests/};
    for my $l (@library) {
        my ($pattern, $name, $where, $text) = @$l;
        next if $header !~ $pattern;
        return $file =~ $where ? undef : "$name belongs to $text alone";
    }
    return "no row for this library in tools/check-includes.pl: say there which one file wraps it";
}

# The text without comments, with its line ends.
sub without_comments {
    my ($text) = @_;
    $text =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(/\*.*?(?:\*/|\z)|//[^\n]*)}{
        defined $1 ? $1 : $2 =~ s/[^\n]+/ /gr }gse;
    return $text;
}

sub check_file {
    my ($root, $file) = @_;
    open(my $in, '<', "$root/$file") or die "check-includes: cannot read $file: $!\n";
    my $text = without_comments(do { local $/; <$in> } // '');
    close($in);
    $files++;
    my ($row, $allowed) = room_row($file);
    if (!$row) {
        push @wrong, "$file:1: a folder that no row in tools/check-includes.pl knows: say there what it may include";
        return;
    }
    my $line = 0;
    for (split /\n/, $text, -1) {
        $line++;
        next if !/^\s*#\s*(?:include|include_next|import)\b\s*(.*)/;
        my $what = $1;
        $includes++;
        my $why = $what =~ /^"([^"]+)"/ ? check_ours($file, $1, $row, $allowed)
            : $what =~ /^<([^>]+)>/ ? check_library($file, $1)
            : 'name the header itself, not a macro';
        $what =~ s/\s+$//;
        push @wrong, "$file:$line: includes $what: $why" if $why;
    }
}

if (@ARGV > 1 || (@ARGV && $ARGV[0] =~ /^-/)) {
    print STDERR "usage: tools/check-includes.pl [FOLDER]\n";
    exit 2;
}
my $root = $ARGV[0] // dirname($0) . '/..';
$root =~ s{/+$}{} if $root ne '/';
-d $root or die "check-includes: $root is no folder\n";
my @found;
find({
    no_chdir => 1,
    preprocess => sub { grep { !/^(?:\.|build$|node_modules$)/ || $_ eq '.' } @_ },
    wanted => sub {
        return if $File::Find::name !~ m{^\Q$root\E/(.+)}s;
        my $file = $1;
        push @found, $file if -f $File::Find::name && $file =~ /\.(?:c|h|cc|cpp|cxx|hh|hpp|inc|def)$/;
    },
}, $root);
check_file($root, $_) for sort @found;
if (@wrong) {
    print STDERR "$_\n" for @wrong;
    printf STDERR "check-includes: %d violation%s\n", scalar @wrong, @wrong == 1 ? '' : 's';
    exit 1;
}
print "includes: $files files, $includes includes in the right direction\n";
