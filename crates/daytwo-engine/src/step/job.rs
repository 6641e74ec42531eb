//! Tells a Job that was created suspended that it had finished, then lets go of it. It refuses to let go first: the
//! Job's controller would start it.

use daytwo_core::restore::FINISHED_MARK;

use super::request::Writer;
use crate::api::ApiError;

/// Writes `status` onto the Job at `path`, then gives `spec.suspend` back what it was.
pub(super) async fn finish(
    writer: &Writer<'_>,
    path: &str,
    status: &[u8],
    suspend: Option<&[u8]>,
) -> Result<(), ApiError> {
    let status = [br#"{"status":"#.as_slice(), status, b"}"].concat();
    writer.merge(&format!("{path}/status"), status).await?;
    let suspend = suspend.unwrap_or(b"null");
    let release = [
        br#"{"metadata":{"annotations":{""#.as_slice(),
        FINISHED_MARK.as_bytes(),
        br#"":null}},"spec":{"suspend":"#,
        suspend,
        b"}}",
    ]
    .concat();
    writer.merge(path, release).await
}
