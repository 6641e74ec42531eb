//! A server token: `K10<sha256 of the CA>::server:<passphrase>`, or the passphrase alone.

use std::fmt;

/// What a full token begins with.
const FULL: &str = "K10";

/// Hexadecimal digits of a sha256.
const DIGEST: usize = 64;

/// A token of a K3s or RKE2 server. Never shown: [`fmt::Debug`] leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    whole: String,
    passphrase: String,
    ca: Option<String>,
}

/// Why a text is no server token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoToken {
    /// Nothing but white space.
    #[error("the token is empty")]
    Empty,
    /// What follows `K10` up to `::` is no sha256.
    #[error("the token begins with K10, but no sha256 follows up to `::`")]
    Digest,
    /// What follows `::` is no `user:passphrase`.
    #[error(
        "the token has no passphrase: its form is K10<sha256>::<user>:<passphrase>, or the passphrase alone"
    )]
    Passphrase,
    /// It is one by which agents join (`kubeadm token`, `k3s token create`); it seals nothing.
    #[error("this is a token by which nodes join; the server token is wanted, as in server/token")]
    Join,
}

impl Token {
    /// Reads the text of a token file, or of the setting `token`. Line ends at its end do not belong to it.
    ///
    /// # Errors
    /// [`NoToken`], which holds nothing of the text.
    pub fn parse(text: &str) -> Result<Token, NoToken> {
        let whole = text.trim_end_matches(['\n', '\r']);
        if whole.trim().is_empty() {
            return Err(NoToken::Empty);
        }
        let Some(rest) = whole.strip_prefix(FULL) else {
            if joins(whole) {
                return Err(NoToken::Join);
            }
            return Ok(Token { whole: whole.to_owned(), passphrase: whole.to_owned(), ca: None });
        };
        let (ca, login) = match rest.split_once("::") {
            Some((ca, login)) => (Some(ca), login),
            None => (None, rest),
        };
        let hex = |ca: &str| ca.len() == DIGEST && ca.bytes().all(|byte| byte.is_ascii_hexdigit());
        if ca.is_some_and(|ca| !ca.is_empty() && !hex(ca)) {
            return Err(NoToken::Digest);
        }
        if joins(login) {
            return Err(NoToken::Join);
        }
        match login.split_once(':') {
            Some((_, passphrase)) if !passphrase.is_empty() => Ok(Token {
                whole: whole.to_owned(),
                passphrase: passphrase.to_owned(),
                ca: ca.filter(|ca| !ca.is_empty()).map(str::to_ascii_lowercase),
            }),
            _ => Err(NoToken::Passphrase),
        }
    }

    /// The sha256 of the cluster's CA that the token names, in hexadecimal digits.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The key of the datastore under which a server with this token keeps its data: no secret, and by it a token is
    /// recognized.
    pub fn bootstrap_key(&self) -> String {
        super::bootstrap_key(&self.passphrase)
    }

    /// By what a server may have sealed: the passphrase; as old releases did, the whole token, or nothing at all.
    pub(super) fn passphrases(&self) -> impl Iterator<Item = &str> {
        let whole = (self.whole != self.passphrase).then_some(self.whole.as_str());
        [self.passphrase.as_str()].into_iter().chain(whole).chain([""])
    }
}

/// `[a-z0-9]{6}.[a-z0-9]{16}`: <https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens>.
fn joins(text: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(id, secret)| id.len() == 6 && secret.len() == 16 && plain(id) && plain(secret))
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token").field("ca", &self.ca).finish_non_exhaustive()
    }
}
