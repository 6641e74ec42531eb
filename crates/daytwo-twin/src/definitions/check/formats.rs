//! The formats of strings (`k8s.io/kube-openapi/pkg/validation/strfmt` and its `govalidator`).
//!
//! It refuses to read an address of mail as RFC 5322 does in full: comments and quoted names are taken for what they
//! look like.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

/// Whether strings are held to the format.
pub(super) fn known(format: &str) -> bool {
    crate::definitions::schema::known_format("string", format)
}

/// Whether the string is of the format, which is [`known`]. Dashes in the format's name do not matter.
pub(super) fn holds(format: &str, text: &str) -> bool {
    match format.replace('-', "").as_str() {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "uri" => uri(text),
        "email" => email(text),
        "hostname" => hostname(text),
        "ipv4" => ip(text).is_some() && text.contains('.'),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "mac" => mac(text),
        "uuid" => UUID.is_match(text),
        "uuid3" => UUID.is_match(text) && uuid_digit(text, 12, "3"),
        "uuid4" => UUID.is_match(text) && uuid_digit(text, 12, "4") && uuid_digit(text, 16, "89abAB"),
        "uuid5" => UUID.is_match(text) && uuid_digit(text, 12, "5") && uuid_digit(text, 16, "89abAB"),
        "isbn" => isbn10(text) || isbn13(text),
        "isbn10" => isbn10(text),
        "isbn13" => isbn13(text),
        "creditcard" => credit_card(text),
        "ssn" => text.len() == 11 && SSN.is_match(text),
        "hexcolor" => HEX_COLOR.is_match(text),
        "rgbcolor" => RGB_COLOR.is_match(text),
        "byte" => BASE64.is_match(text),
        "date" => date(text),
        "duration" => duration(text),
        "datetime" => date_time(text),
        "k8sshortname" => text.len() <= 63 && label(text),
        "k8slongname" => text.len() <= 253 && text.split('.').all(label),
        _ => true,
    }
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("invariant: a pattern of this file")
}

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"));
static SSN: LazyLock<Regex> = LazyLock::new(|| pattern("^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$"));
static HEX_COLOR: LazyLock<Regex> = LazyLock::new(|| pattern("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"));
static RGB_COLOR: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"[\t\n\f\r ]*(0|[1-9][0-9]?|1[0-9]{0,2}|2[0-4][0-9]|25[0-5])[\t\n\f\r ]*";
    pattern(&format!(r"^rgb\({part},{part},{part}\)$"))
});
static BASE64: LazyLock<Regex> = LazyLock::new(|| {
    pattern("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$")
});
static CREDIT_CARD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        "^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|\
         3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$",
    )
});
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern("^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"));
static LENGTH: LazyLock<Regex> = LazyLock::new(|| pattern(r"([0-9]+)[\t\n\f\r ]*([A-Za-zµ]+)"));

/// Whether the `at`th of the hexadecimal digits is one of `wanted`.
fn uuid_digit(text: &str, at: usize, wanted: &str) -> bool {
    text.chars().filter(|character| *character != '-').nth(at).is_some_and(|digit| wanted.contains(digit))
}

/// An absolute URI, or an absolute path (`net/url.ParseRequestURI`).
fn uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) || !percent(text) {
        return false;
    }
    let rest = match text.find(':') {
        Some(end) if scheme(&text[..end]) => &text[end + 1..],
        Some(0) => return false,
        _ if text.starts_with('/') || text == "*" => return true,
        _ => return false,
    };
    match rest.strip_prefix("//") {
        Some(rest) => {
            let host = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            let port = host.rsplit_once(':').filter(|_| !host.ends_with(']'));
            !host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}'])
                && port.is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        }
        None => true,
    }
}

fn scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Whether every `%` is followed by two hexadecimal digits.
fn percent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).filter(|at| bytes[*at] == b'%').all(|at| hex(at + 1) && hex(at + 2))
}

fn email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>') {
        Some(rest) => match rest.rfind('<') {
            Some(start) => &rest[start + 1..],
            None => return false,
        },
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|part| {
                let plain = |sign: char| {
                    sign.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(sign) || !sign.is_ascii()
                };
                !part.is_empty() && part.chars().all(plain)
            })
    };
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    (quoted || atom(local)) && (atom(domain) || (domain.starts_with('[') && domain.ends_with(']')))
}

/// Labels of letters, digits and symbols of any script; the last of several has only letters, and one alone has a dash
/// only after its first sign, as the pattern of Go's package has it.
fn hostname(text: &str) -> bool {
    let sign = |character: char| {
        character.is_ascii_alphanumeric()
            || "$+<=>^`|~".contains(character)
            || (!character.is_ascii() && !character.is_numeric() && !character.is_control())
    };
    let short = |label: &str| (1..=63).contains(&label.len());
    let label = |label: &str| {
        short(label)
            && label.chars().all(|character| sign(character) || character == '-')
            && label.chars().next().is_some_and(sign)
            && label.chars().next_back().is_some_and(sign)
    };
    let letter =
        |letter: char| letter.is_ascii_alphabetic() || (!letter.is_ascii() && letter.is_alphabetic());
    match text.rsplit_once('.') {
        _ if text.len() > 255 => false,
        None => {
            let rest = text.strip_prefix(sign);
            let rest = rest.map(|rest| rest.strip_prefix('-').unwrap_or(rest));
            short(text) && rest.is_some_and(|rest| rest.chars().all(sign))
        }
        Some((before, last)) => {
            before.split('.').all(label)
                && short(last)
                && last.chars().count() >= 2
                && last.chars().all(letter)
        }
    }
}

/// An address, in which decimals may begin with zeros.
fn ip(text: &str) -> Option<bool> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(|_| false);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let decimal = |part: &&str| {
        !part.is_empty()
            && part.len() < 20
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u64>().is_ok_and(|value| value < 256)
    };
    (parts.len() == 4 && parts.iter().all(decimal)).then_some(true)
}

fn cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match ip(address) {
        Some(true) => 32,
        Some(false) => 128,
        None => return false,
    };
    length.bytes().all(|byte| byte.is_ascii_digit())
        && length.parse::<u32>().is_ok_and(|length| length <= most)
}

/// 6, 8 or 20 bytes: pairs with `:` or `-` between, or fours with `.`.
fn mac(text: &str) -> bool {
    let Some(separator) = text.chars().find(|character| matches!(character, ':' | '-' | '.')) else {
        return false;
    };
    let width = if separator == '.' { 4 } else { 2 };
    let groups: Vec<&str> = text.split(separator).collect();
    let hex = |group: &&str| group.len() == width && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    groups.iter().all(hex) && matches!(groups.len() * width / 2, 6 | 8 | 20)
}

fn plain_isbn(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| !matches!(byte, b'-' | b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')).collect()
}

fn isbn10(text: &str) -> bool {
    let digits = plain_isbn(text);
    let Some((last, first)) = digits.split_last().filter(|_| digits.len() == 10) else { return false };
    if !first.iter().all(u8::is_ascii_digit) || !(last.is_ascii_digit() || *last == b'X') {
        return false;
    }
    let value = |digit: u8| if digit == b'X' { 10 } else { u32::from(digit - b'0') };
    digits.iter().zip(1..).map(|(digit, weight)| weight * value(*digit)).sum::<u32>().is_multiple_of(11)
}

fn isbn13(text: &str) -> bool {
    let digits = plain_isbn(text);
    let weights = [1, 3].into_iter().cycle();
    digits.len() == 13
        && digits.iter().all(u8::is_ascii_digit)
        && digits
            .iter()
            .zip(weights)
            .map(|(digit, weight)| weight * u32::from(digit - b'0'))
            .sum::<u32>()
            .is_multiple_of(10)
}

fn credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let twice = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| (at, u32::from(digit - b'0')))
        .map(|(at, digit)| if at % 2 == 1 { twice(digit) } else { digit })
        .sum();
    CREDIT_CARD.is_match(&digits) && sum.is_multiple_of(10)
}

fn date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
        && text.parse::<jiff::civil::Date>().is_ok()
}

fn date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(day), Some(time)) = (parts.next(), parts.next()) else { return false };
    let Some(found) = TIME.captures(time).filter(|_| date(day)) else { return false };
    &found[1] <= "23" && &found[2] <= "59" && &found[3] <= "59"
}

/// As Go's `time.ParseDuration` reads it, or as Scala writes it: numbers and units in any case.
fn duration(text: &str) -> bool {
    if go_duration(text) {
        return true;
    }
    let unit = |unit: &str| {
        const EXACT: [&str; 14] =
            ["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk", "nano", "micro", "milli"];
        const STARTS: [&str; 8] = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
        let unit = unit.to_lowercase();
        EXACT.contains(&unit.as_str()) || STARTS.iter().any(|start| unit.starts_with(start))
    };
    LENGTH.captures_iter(text).any(|found| unit(&found[2]))
        && LENGTH.captures_iter(text).all(|found| found[1].parse::<i64>().is_ok())
}

fn go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number = &rest[..digits];
        let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
        let unit =
            units.into_iter().filter(|unit| rest[digits..].starts_with(unit)).max_by_key(|unit| unit.len());
        let Some(unit) = unit
            .filter(|_| number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() < 2)
        else {
            return false;
        };
        any = true;
        rest = &rest[digits + unit.len()..];
    }
    any
}

fn label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().all(|byte| inner(byte) || byte == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
}

#[cfg(test)]
mod tests;
