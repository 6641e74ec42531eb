//! A live cluster as a twin: everything it holds, as of one revision where it can be had so.

use daytwo_engine::Site;
use daytwo_engine::api::{self, ApiError};
use daytwo_engine::cut::Splitter;
use daytwo_engine::discovery::{self, Served};

use super::{Loader, Source};

/// Objects a page has.
const PAGE: usize = 1_000;

impl Source {
    /// What a cluster holds now. Nothing of it is written anywhere.
    ///
    /// # Errors
    /// Where the cluster does not say what it serves, or the revision to read it at is gone.
    pub async fn cluster(site: &Site) -> Result<Source, ApiError> {
        let client = site.client();
        let found = discovery::discover(client).await?;
        let mut loader = Loader::default();
        for unknown in &found.unknown {
            loader
                .note(format!("{}/{} cannot be discovered: {}", unknown.group, unknown.version, unknown.why));
        }
        let probe = api::get(client, "/api/v1/namespaces?limit=1", "application/json").await?;
        let mut splitter = Splitter::default();
        let revision = match splitter.push(&probe).and_then(|_| splitter.finish()) {
            Ok((_, meta)) => meta.resource_version.parse().unwrap_or(0),
            Err(_) => 0,
        };
        for served in found.resources.iter().filter(|served| served.listable()) {
            if let Err(error) = resource(site, served, revision, &mut loader).await {
                if error.is_gone() || error.is_unavailable() {
                    return Err(error);
                }
                loader.note(format!("{} cannot be read: {error}", served.kind.group_resource()));
            }
        }
        let identity = site.identity();
        Ok(loader.finish(format!("cluster:{}", identity.context), Some(identity.version.clone()), revision))
    }
}

/// All objects of one resource.
async fn resource(site: &Site, served: &Served, revision: u64, loader: &mut Loader) -> Result<(), ApiError> {
    let path = served.path(&served.kind.version, None);
    // What another server answers for has revisions of its own.
    let first = match served.aggregated || revision == 0 {
        true => format!("{path}?limit={PAGE}"),
        false => format!("{path}?limit={PAGE}&resourceVersion={revision}&resourceVersionMatch=Exact"),
    };
    let mut next = first;
    loop {
        let body = api::get(site.client(), &next, "application/json").await?;
        let mut splitter = Splitter::default();
        let begun = splitter.push(&body);
        let (last, meta, begun) =
            match begun.and_then(|begun| splitter.finish().map(|(last, meta)| (last, meta, begun))) {
                Ok(whole) => whole,
                Err(error) => {
                    loader.note(format!("{} is no list: {error}", served.kind.group_resource()));
                    return Ok(());
                }
            };
        for batch in begun.iter().chain(last.iter()) {
            for item in batch.items() {
                if let Err(error) = loader.json(&served.kind, item) {
                    loader.note(format!(
                        "an object of {} cannot be read: {error}",
                        served.kind.group_resource()
                    ));
                }
            }
        }
        if meta.next.is_empty() {
            return Ok(());
        }
        let token: String = meta
            .next
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        next = format!("{path}?limit={PAGE}&continue={token}");
    }
}
