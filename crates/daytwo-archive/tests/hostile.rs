//! Archives that someone made to do harm are refused, with a reason, in bounded memory.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

mod foreign;

use daytwo_archive::*;
use flate2::{Compress, Compression, FlushCompress};

/// Memory is that of the process: tests that look at it, or need much, run one after another.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Memory that reading an archive may take beyond what was there.
const BOUND: u64 = 100 * 1024 * 1024;

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Why reading, and why verifying, refuses an archive.
async fn refusals(archive: Vec<u8>) -> (String, Report) {
    let location = Location::memory();
    let name = foreign::store(&location, archive, None).await;
    let before = resident();
    let backup = Backup::open(&location, &name, &Keys::default()).await.unwrap();
    let mut entries = backup.entries().await.unwrap();
    let error = loop {
        match entries.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was read to its end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ArchiveError::Corrupt { .. }), "{error:?}");
    let report = verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await.unwrap();
    assert!(!report.sound());
    let grown = resident().saturating_sub(before);
    assert!(grown < BOUND, "{grown} bytes more");
    (error.to_string(), report)
}

async fn refused(archive: Vec<u8>, word: &str) {
    let (error, report) = refusals(archive).await;
    assert!(error.contains(word), "{error}");
    assert!(error.contains("backups/v/v.tar.gz"), "{error}");
    assert!(report.findings.iter().any(|finding| finding.what.contains(word)), "{report:?}");
}

#[tokio::test]
async fn paths_that_lead_out_are_refused() {
    let _alone = ALONE.lock().await;
    for path in
        ["../../etc/passwd", "/etc/passwd", "resources/pods/namespaces/../../../x.json", "resources/../../x"]
    {
        let archive = foreign::gzip(&foreign::tar().file(path, b"x").end());
        let (error, _) = refusals(archive).await;
        assert!(error.contains("out of the archive") || error.contains("absolute"), "{error}");
    }
}

#[tokio::test]
async fn links_and_devices_are_refused() {
    let _alone = ALONE.lock().await;
    for kind in *b"123467" {
        let archive = foreign::gzip(&foreign::tar().entry("resources/pods/cluster/x.json", kind, b"").end());
        refused(archive, "only regular files").await;
    }
}

#[tokio::test]
async fn what_is_neither_gzip_nor_tar_is_refused() {
    let _alone = ALONE.lock().await;
    refused(b"this is text".to_vec(), "is not gzip").await;
    refused(Vec::new(), "is empty").await;
    refused(foreign::gzip(&b"this is text, and long enough for a block ".repeat(30)), "is not a tar archive")
        .await;
    refused(foreign::gzip(b""), "is not a tar archive").await;
    refused(foreign::gzip(&[0; 10240]), "holds nothing").await;
}

#[tokio::test]
async fn an_object_twice_is_refused() {
    let _alone = ALONE.lock().await;
    let mut tar = foreign::tar();
    let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"a"}}"#;
    tar.object("pods", "v1", "namespaces/a/x", json).object("pods", "v1", "namespaces/a/x", json);
    refused(foreign::gzip(&tar.end()), "twice").await;
}

#[tokio::test]
async fn cut_short_and_with_something_behind_it_is_refused() {
    let _alone = ALONE.lock().await;
    let mut tar = foreign::tar();
    tar.object(
        "pods",
        "v1",
        "namespaces/a/x",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"a"}}"#,
    );
    let raw = tar.end();
    let whole = foreign::gzip(&raw);
    refused(whole[..whole.len() - 9].to_vec(), "too early").await;
    refused(foreign::gzip(&raw[..raw.len() - 1024]), "without the end").await;
    refused(foreign::gzip(&[&raw[..], b"more"].concat()), "after the end").await;
    refused([&whole[..], b"more"].concat(), "not gzip").await;
}

#[tokio::test]
async fn an_entry_that_claims_to_be_huge_is_refused_by_name() {
    let _alone = ALONE.lock().await;
    let mut tar = foreign::tar();
    tar.header("resources/pods/cluster/huge.json", b'0', 5 << 30);
    refused(foreign::gzip(&tar.end()), "huge.json").await;
}

/// gzip of `head` and then `zeros` zeros, made without holding them.
fn bomb(head: &[u8], mut zeros: u64) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut compress = Compress::new(Compression::fast(), false);
    let mut crc = libdeflater::Crc::new();
    let chunk = vec![0; 1 << 20];
    let mut buffer = vec![0; 1 << 16];
    let mut feed = |mut some: &[u8], flush| loop {
        let (read, written) = (compress.total_in(), compress.total_out());
        let status = compress.compress(some, &mut buffer, flush).unwrap();
        some = &some[(compress.total_in() - read) as usize..];
        out.extend_from_slice(&buffer[..(compress.total_out() - written) as usize]);
        match status {
            flate2::Status::StreamEnd => return,
            _ if some.is_empty() && matches!(flush, FlushCompress::None) => return,
            _ => {}
        }
    };
    let length = head.len() as u64 + zeros;
    crc.update(head);
    feed(head, FlushCompress::None);
    while zeros > 0 {
        let some = &chunk[..zeros.min(1 << 20) as usize];
        crc.update(some);
        feed(some, FlushCompress::None);
        zeros -= some.len() as u64;
    }
    feed(&[], FlushCompress::Finish);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out
}

#[tokio::test]
async fn gigabytes_of_zeros_are_refused_early() {
    let _alone = ALONE.lock().await;
    let long = std::env::var_os("DAYTWO_LONG").is_some();
    let length = if long { 10 << 30 } else { 1 << 30 };
    refused(bomb(&[], length), "zeros").await;
    refused(bomb(&foreign::tar().0, length), "zeros").await;
    let mut huge = foreign::tar();
    huge.header("resources/pods/cluster/zeros.json", b'0', length.min(7 << 30)); // What octal holds.
    refused(bomb(&huge.0, length), "zeros.json").await;
}

#[tokio::test]
async fn a_million_entries_cost_little_memory() {
    let _alone = ALONE.lock().await;
    let count = if std::env::var_os("DAYTWO_LONG").is_some() { 1_000_000 } else { 100_000 };
    let mut tar = foreign::tar();
    for n in 0..count {
        tar.file(
            &format!("resources/pods/cluster/{n}.json"),
            br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}"#,
        );
    }
    tar.file("elsewhere", b"x");
    let archive = foreign::gzip(&tar.end());
    drop(tar);
    refused(archive, "layout").await;
}

/// Flips, cuts, doubles and overwrites, the same for the same seed.
#[tokio::test]
async fn mutated_archives_never_make_a_reader_panic() {
    let _alone = ALONE.lock().await;
    let mut tar = foreign::tar();
    for n in 0..20 {
        tar.object(
            "pods",
            "v1",
            &format!("namespaces/a/x{n}"),
            &format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"x{n}","namespace":"a"}}}}"#),
        );
    }
    let raw = tar.end();
    let mut state = 88172645463325252u64;
    let mut dice = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for round in 0..if std::env::var_os("DAYTWO_LONG").is_some() { 20_000 } else { 600 } {
        // Half of them behind a right checksum, so that tar sees them.
        let mut bytes = if round % 2 == 0 { raw.clone() } else { foreign::gzip(&raw) };
        for _ in 0..=dice(4) {
            let at = dice(bytes.len());
            match dice(5) {
                0 => bytes[at] ^= 1 << dice(8),
                1 => bytes.truncate(at),
                2 => bytes[at] = u8::try_from(dice(256)).unwrap(),
                3 => {
                    let part = bytes[at..(at + dice(2000)).min(bytes.len())].to_vec();
                    let into = dice(bytes.len());
                    bytes.splice(into..into, part);
                }
                _ => drop(bytes.splice(at..(at + dice(600)).min(bytes.len()), std::iter::empty())),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        let archive = if round % 2 == 0 { foreign::gzip(&bytes) } else { bytes };
        let mut reader = read::ArchiveReader::new(&archive[..]);
        let mut objects = 0;
        while let Ok(Some(_)) = reader.next() {
            objects += 1;
            assert!(objects < 10_000);
        }
        if round % 20 == 0 {
            let location = Location::memory();
            let name = foreign::store(&location, archive, None).await;
            verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await.unwrap();
        }
    }
}
