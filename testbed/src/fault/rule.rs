//! Which requests go wrong, and how.

use std::time::Duration;

use serde_json::json;

use super::gate::Gate;

/// What befalls a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The server never sees it; this is the answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The connection is reset (RST) before the server sees it.
    Reset,
    /// The connection is reset after this many bytes of the request's body; the server never sees it.
    ResetInRequest(u64),
    /// The server does it, and the connection is reset instead of its answer.
    LoseAnswer,
    /// The server does it, and this status is its answer: a gateway that gave up too early.
    SpoilAnswer(u16),
    /// The connection is reset after this many bytes of the answer's body.
    ResetInAnswer(u64),
    /// The connection is closed after this many bytes of the answer's body, which its framing shows.
    Cut(u64),
    /// The answer ends after this many bytes of its body, and its framing says that this is all.
    CutCleanly(u64),
    /// Nothing comes after this many bytes of the answer's body; the connection stays open.
    Stall(u64),
    /// No answer comes; the connection stays open.
    Silence,
    /// The answer comes in pieces of so many bytes, with this time between them.
    Slow(usize, Duration),
    /// One bit of the answer's body is flipped, in the byte of this number, counted from 0.
    Flip(u64),
    /// The request waits before the gate.
    Hold(Gate),
}

impl Fault {
    /// An answer without headers of its own.
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Fault {
        Fault::Answer { status, headers: Vec::new(), body: body.into() }
    }

    /// The API server's answer to too many requests, `seconds` after which one may ask again.
    pub fn too_many(seconds: u32) -> Fault {
        let Fault::Answer { status, mut headers, body } =
            Fault::status(429, "TooManyRequests", "Too many requests")
        else {
            unreachable!("a status is an answer")
        };
        headers.push(("Retry-After".to_owned(), seconds.to_string()));
        Fault::Answer { status, headers, body }
    }

    /// A Kubernetes `Status`.
    pub fn status(status: u16, reason: &str, message: &str) -> Fault {
        Fault::json(status, &status_body(status, reason, message))
    }

    /// The API server's 410: the revision was compacted. It offers `token` to go on inconsistently.
    pub fn expired(token: &str) -> Fault {
        let message = "The provided continue parameter is too old to display a consistent list result. \
             You can start a new list without the continue parameter, or use the continue token in this response \
             to retrieve the remainder of the results. Continuing with the provided token results in an \
             inconsistent list - objects that were created, modified, or deleted between the time the first chunk \
             was returned and now may show up in the list.";
        let mut body = status_body(410, "Expired", message);
        body["metadata"] = json!({ "continue": token });
        Fault::json(410, &body)
    }

    /// What a load balancer shows when the server behind it is gone.
    pub fn html(status: u16) -> Fault {
        Fault::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<!doctype html><html><body><h1>Sorry</h1></body></html>\n".to_vec(),
        }
    }

    /// An S3 error.
    pub fn s3(status: u16, code: &str, message: &str) -> Fault {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>"
        );
        Fault::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "application/xml".to_owned())],
            body: body.into_bytes(),
        }
    }

    /// S3's answer to too many requests.
    pub fn slow_down() -> Fault {
        Fault::s3(503, "SlowDown", "Please reduce your request rate.")
    }

    fn json(status: u16, body: &serde_json::Value) -> Fault {
        Fault::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }
}

fn status_body(code: u16, reason: &str, message: &str) -> serde_json::Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

/// Which of the requests that match are met.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Nth(u64),
    First(u64),
    From(u64),
    /// In a thousand, by a generator of this state.
    Chance(u32, u64),
}

/// Requests that go wrong. All conditions must hold.
#[derive(Debug, Clone)]
#[must_use]
pub struct Rule {
    fault: Fault,
    methods: Vec<String>,
    path: Option<String>,
    with: Vec<String>,
    without: Vec<String>,
    when: When,
}

impl Rule {
    /// Every request, until conditions are added.
    pub fn new(fault: Fault) -> Rule {
        let (methods, with, without) = (Vec::new(), Vec::new(), Vec::new());
        Rule { fault, methods, path: None, with, without, when: When::Always }
    }

    /// Of this method; of one of several where it is called again.
    pub fn method(mut self, method: &str) -> Rule {
        self.methods.push(method.to_owned());
        self
    }

    /// To exactly this path, whatever the query.
    pub fn path(mut self, path: &str) -> Rule {
        self.path = Some(path.to_owned());
        self
    }

    /// Whose path and query hold this text.
    pub fn with(mut self, text: &str) -> Rule {
        self.with.push(text.to_owned());
        self
    }

    /// Whose path and query do not hold this text.
    pub fn without(mut self, text: &str) -> Rule {
        self.without.push(text.to_owned());
        self
    }

    /// Only the `n`th of them, counted from 1.
    pub fn nth(mut self, n: u64) -> Rule {
        self.when = When::Nth(n);
        self
    }

    /// Only the first `n` of them.
    pub fn first(mut self, n: u64) -> Rule {
        self.when = When::First(n);
        self
    }

    /// The `n`th of them, counted from 1, and all that follow.
    pub fn from(mut self, n: u64) -> Rule {
        self.when = When::From(n);
        self
    }

    /// About `per_mille` in a thousand of them, chosen by `seed`.
    pub fn chance(mut self, per_mille: u32, seed: u64) -> Rule {
        self.when = When::Chance(per_mille, seed);
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let bare = path.split('?').next().unwrap_or(path);
        (self.methods.is_empty() || self.methods.iter().any(|one| one == method))
            && self.path.as_ref().is_none_or(|path| path == bare)
            && self.with.iter().all(|text| path.contains(text))
            && !self.without.iter().any(|text| path.contains(text))
    }
}

/// A rule and how often it matched.
#[derive(Debug)]
pub(super) struct Armed {
    rule: Rule,
    matched: u64,
}

impl Armed {
    pub fn new(rule: Rule) -> Armed {
        Armed { rule, matched: 0 }
    }

    /// The fault, if the rule meets this request.
    pub fn meet(&mut self, method: &str, path: &str) -> Option<Fault> {
        if !self.rule.matches(method, path) {
            return None;
        }
        self.matched += 1;
        let meets = match &mut self.rule.when {
            When::Always => true,
            When::Nth(n) => self.matched == *n,
            When::First(n) => self.matched <= *n,
            When::From(n) => self.matched >= *n,
            When::Chance(per_mille, state) => next(state) % 1000 < u64::from(*per_mille),
        };
        meets.then(|| self.rule.fault.clone())
    }
}

/// splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(rule: Rule, requests: &[(&str, &str)]) -> Vec<bool> {
        let mut armed = Armed::new(rule);
        requests.iter().map(|(method, path)| armed.meet(method, path).is_some()).collect()
    }

    #[test]
    fn every_condition_of_a_rule_must_hold() {
        let rule = Rule::new(Fault::Reset).method("GET").path("/a").with("continue=").without("x");
        let requests = [
            ("GET", "/a?continue=1"),
            ("PUT", "/a?continue=1"),
            ("GET", "/a/b?continue=1"),
            ("GET", "/a"),
            ("GET", "/a?continue=x"),
        ];
        assert_eq!(met(rule, &requests), [true, false, false, false, false]);
    }

    #[test]
    fn only_matching_requests_are_counted() {
        let requests = [("GET", "/b"), ("GET", "/a"), ("GET", "/a"), ("GET", "/a")];
        assert_eq!(met(Rule::new(Fault::Reset).path("/a").nth(2), &requests), [false, false, true, false]);
        assert_eq!(met(Rule::new(Fault::Reset).path("/a").first(2), &requests), [false, true, true, false]);
        assert_eq!(met(Rule::new(Fault::Reset).path("/a").from(2), &requests), [false, false, true, true]);
    }

    #[test]
    fn a_seed_always_chooses_the_same_requests() {
        let requests = vec![("GET", "/"); 1000];
        let one = met(Rule::new(Fault::Reset).chance(100, 7), &requests);
        assert_eq!(one, met(Rule::new(Fault::Reset).chance(100, 7), &requests));
        let hits = one.iter().filter(|hit| **hit).count();
        assert!((50..200).contains(&hits), "{hits}");
    }
}
