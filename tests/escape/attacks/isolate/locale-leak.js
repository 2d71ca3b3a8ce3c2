// layer: isolate
// attack: asks dates, Intl and errors what machine this is
// success: a time zone or locale other than those every cell has
// control: none: the machine of a test may have them too
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions();
const url = import.meta.url;
export default timeZone !== 'UTC' || locale !== 'en-US' || new Date(0).getTimezoneOffset() !== 0 ? escaped(`${timeZone} ${locale}`) : held(`${timeZone} ${locale} ${url.slice(0, 8)}`);
