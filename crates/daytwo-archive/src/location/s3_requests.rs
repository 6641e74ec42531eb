//! Requests to S3 that object_store has no call for, signed as it signs: uploads in parts that nobody ended, and whether
//! a bucket takes Object Lock. Not tried again by themselves: who asks may ask again.

use super::bucket::Bucket;
use super::error::{Error, Failure, Result};
use super::s3::S3;
use super::{Backend, Location};
use bytes::Bytes;
use jiff::Timestamp;
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpRequest, HttpRequestBody};
use serde::Deserialize;

/// An upload in parts that is under way, or was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// What it would become, relative to the location.
    pub key: String,
    /// The store's id of it.
    pub id: String,
    /// When it was begun, by the store's clock.
    pub initiated: Option<Timestamp>,
}

/// `ListMultipartUploadsResult` of the S3 API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
    #[serde(default)]
    upload: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    upload_id: String,
    #[serde(default)]
    initiated: Option<String>,
}

impl Location {
    /// Fails unless the bucket takes Object Lock. Other locations have none to ask for.
    pub(super) async fn takes_lock(&self) -> Result<()> {
        let Backend::Bucket(bucket) = self.backend() else { return Ok(()) };
        let Some(s3) = &bucket.s3 else { return Ok(()) };
        s3.get(bucket, "read the bucket's Object Lock", &[("object-lock", "")]).await.map(drop)
    }
}

/// Pages of a listing that are read at most: 1,000 uploads each.
const MOST_PAGES: usize = 100;

impl Location {
    /// Uploads in parts under `backups/` that are not finished. Only S3 lists them; elsewhere there are none to see.
    pub(crate) async fn open_uploads(&self) -> Result<Vec<OpenUpload>> {
        let Backend::Bucket(bucket) = self.backend() else { return Ok(Vec::new()) };
        let Some(s3) = &bucket.s3 else { return Ok(Vec::new()) };
        let prefix = format!("{}/", bucket.path(crate::layout::BACKUPS)?);
        let mut found = Vec::new();
        let (mut key_marker, mut id_marker) = (String::new(), String::new());
        for _ in 0..MOST_PAGES {
            let mut query = vec![("uploads", ""), ("prefix", prefix.as_str())];
            if !key_marker.is_empty() {
                query.push(("key-marker", &key_marker));
                query.push(("upload-id-marker", &id_marker));
            }
            let page = parse(bucket, &s3.get(bucket, "list unfinished uploads", &query).await?)?;
            found.extend(page.upload.into_iter().filter_map(|upload| {
                let initiated = upload.initiated.and_then(|text| text.parse().ok());
                Some(OpenUpload { key: bucket.key(&upload.key)?, id: upload.upload_id, initiated })
            }));
            match page.next_key_marker {
                Some(next) if page.is_truncated && !next.is_empty() => {
                    key_marker = next;
                    id_marker = page.next_upload_id_marker.unwrap_or_default();
                }
                _ => break,
            }
        }
        Ok(found)
    }

    /// Ends an upload in parts and frees what it holds. One that is gone is as good as ended.
    pub(crate) async fn end_upload(&self, key: &str, id: &str) -> Result<()> {
        let Backend::Bucket(bucket) = self.backend() else { return Ok(()) };
        let Some(parts) = &bucket.parts else { return Ok(()) };
        match parts.abort_multipart(&bucket.path(key)?, &id.to_owned()).await {
            Ok(()) => Ok(()),
            Err(error) => match bucket.place.explain("end the upload of", key, &error) {
                Error::NotFound { .. } => Ok(()),
                other => Err(other),
            },
        }
    }
}

fn parse(bucket: &Bucket, body: &[u8]) -> Result<Listing> {
    quick_xml::de::from_reader(body)
        .map_err(|error| unanswered(bucket, format!("the answer is not that of an S3 store: {error}")))
}

fn unanswered(bucket: &Bucket, why: String) -> Error {
    Error::Unavailable(Box::new(Failure {
        tried: "list unfinished uploads".into(),
        location: bucket.place.url.clone(),
        why,
        remedy: None,
    }))
}

impl S3 {
    /// A signed GET on the bucket itself.
    async fn get(&self, bucket: &Bucket, tried: &str, query: &[(&str, &str)]) -> Result<Bytes> {
        let mut url = url::Url::parse(&self.bucket_url)
            .map_err(|error| Error::Invalid(format!("the S3 endpoint is no URL: {error}")))?;
        url.query_pairs_mut().extend_pairs(query);
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url
            .as_str()
            .parse()
            .map_err(|error| Error::Invalid(format!("the S3 endpoint is no URL: {error}")))?;
        let explain = |error: &object_store::Error| bucket.place.explain(tried, "", error);
        let credential = self.credentials.get_credential().await.map_err(|error| explain(&error))?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| explain(&error))?;
        let answer = self.client.execute(request).await.map_err(|error| explain(&generic(error)))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|error| explain(&generic(error)))?;
        if status.is_success() {
            return Ok(body);
        }
        let said = String::from_utf8_lossy(&body[..body.len().min(2000)]).into_owned();
        let source = format!("{status} {said}").into();
        Err(explain(&match status.as_u16() {
            401 | 403 => object_store::Error::PermissionDenied { path: String::new(), source },
            _ => object_store::Error::Generic { store: "S3", source },
        }))
    }
}

fn generic(error: object_store::client::HttpError) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_of_uploads_is_read() {
        let xml = r#"<?xml version="1.0"?><ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><KeyMarker/><NextKeyMarker>k2</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker><MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated><Upload><Key>p/backups/a&amp;b/x</Key><UploadId>u1</UploadId><Initiator><ID>i</ID></Initiator><Initiated>2026-11-01T02:03:04.000Z</Initiated></Upload><Upload><Key>k2</Key><UploadId>u2</UploadId></Upload></ListMultipartUploadsResult>"#;
        let listing: Listing = quick_xml::de::from_str(xml).unwrap();
        assert!(listing.is_truncated);
        assert_eq!(listing.next_key_marker.as_deref(), Some("k2"));
        assert_eq!(listing.upload[0].key, "p/backups/a&b/x");
        assert_eq!(listing.upload.len(), 2);
    }

    #[test]
    fn an_empty_listing_is_read() {
        let listing: Listing = quick_xml::de::from_str("<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>").unwrap();
        assert!(listing.upload.is_empty() && !listing.is_truncated);
    }
}
