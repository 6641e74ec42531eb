//! Who asks.

use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::api::{Api, Caller, Impersonated};
use crate::status::Status;

/// Who asks: by the token, and whom he says he asks for. Without a token to bear, the service is called in process.
///
/// # Errors
/// 401 of a token that is not good, 403 of who may not ask for another.
pub(super) fn caller(
    api: &Api,
    token: Option<&str>,
    head: &Parts,
    path: &str,
    query: &str,
) -> Result<Caller, Status> {
    let headers = &head.headers;
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let caller = match token {
        None => Caller::admin(),
        // Also where the cluster's own roles let everyone in: what was opened holds its Secrets.
        Some(_) if authorization.is_empty() && !open_to_all(path) => return Err(Status::unauthorized()),
        Some(_) if authorization.is_empty() => Caller::anonymous(),
        Some(token) => {
            let given = authorization.strip_prefix("Bearer ").unwrap_or_default();
            match same(given.as_bytes(), token.as_bytes()) {
                true => Caller::admin(),
                false => api.bearer(given).ok_or_else(Status::unauthorized)?,
            }
        }
    };
    let all = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.map(str::to_owned).collect::<Vec<String>>()
    };
    let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let wanted = Impersonated {
        user: one("impersonate-user"),
        groups: all("impersonate-group"),
        uid: one("impersonate-uid"),
    };
    match wanted == Impersonated::default() {
        true => Ok(caller),
        false => api.impersonate(&caller, wanted, head.method.as_str(), path, query),
    }
}

/// What anyone may ask: whether it runs, and which version it is.
pub(super) fn open_to_all(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next();
    matches!(first, Some("healthz" | "livez" | "readyz" | "version"))
}

/// Whether two tokens are the same. To say so takes as long whatever is in them.
fn same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len()
        && given.iter().zip(token).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}
