//! A location seen from outside: the files that lie in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use testbed::S3;

/// Every file below `folder`, by its path relative to it.
pub fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&at) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let key = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(key, path);
            }
        }
    }
    found
}

/// The uploads in parts that a bucket holds unfinished, as the S3 server lists them.
pub fn uploads(s3: &S3, bucket: &str) -> usize {
    let answer = s3.request("GET", &format!("/{bucket}?uploads="), &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().matches("<UploadId>").count()
}

/// The archive of a backup in `folder`.
pub fn archive(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("backups/{name}/{name}.tar.gz"))
}

/// The objects of a backup, by [`crate::tarball::objects`].
pub fn objects(folder: &Path, name: &str) -> BTreeMap<String, Vec<u8>> {
    crate::tarball::objects(&crate::tarball::read(&archive(folder, name)))
}
