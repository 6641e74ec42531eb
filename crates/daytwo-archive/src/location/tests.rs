use super::*;

/// Each test runs in memory and in a folder that the first write makes.
fn locations() -> (tempfile::TempDir, Vec<Location>) {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("backups-of-site");
    let folder = Location::open(new.to_str().unwrap(), &LocationOptions::default()).unwrap();
    (dir, vec![Location::memory(), folder])
}

async fn keys(location: &Location, prefix: &str) -> Vec<String> {
    location.list(prefix).await.unwrap().map_ok(|info| info.key).try_collect().await.unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_whole_and_in_ranges() {
    let (_dir, locations) = locations();
    for location in locations {
        let body: Bytes = (0..1_300_000u32).map(|n| n.to_le_bytes()[0]).collect();
        location.put("backups/b/b.tar.gz", body.clone()).await.unwrap();
        assert_eq!(location.get("backups/b/b.tar.gz").await.unwrap(), body);
        let chunks: Vec<Bytes> =
            location.stream("backups/b/b.tar.gz").await.unwrap().try_collect().await.unwrap();
        assert_eq!(chunks.concat(), body);
        assert_eq!(location.get_range("backups/b/b.tar.gz", 1000..1010).await.unwrap(), body[1000..1010]);
        assert_eq!(
            location.get_range("backups/b/b.tar.gz", 1_299_999..1_400_000).await.unwrap(),
            body[1_299_999..]
        );
        assert_eq!(location.get_range("backups/b/b.tar.gz", 5..5).await.unwrap().len(), 0);
        assert_eq!(location.get_tail("backups/b/b.tar.gz", 10).await.unwrap(), body[1_299_990..]);
        assert_eq!(location.get_tail("backups/b/b.tar.gz", 9_000_000).await.unwrap().len(), body.len());
        assert_eq!(location.head("backups/b/b.tar.gz").await.unwrap().unwrap().size, body.len() as u64);
        let limited = location.get_at_most("backups/b/b.tar.gz", 1_299_999).await;
        assert!(matches!(limited, Err(Error::Corrupt { .. })));
        assert_eq!(location.get_at_most("backups/b/b.tar.gz", 1_300_000).await.unwrap(), body);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_deleting_it_is_done() {
    let (_dir, locations) = locations();
    for location in locations {
        location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap();
        for key in ["backups/b/y", "backups/b", "backups/c/x", "backups/b/x/z"] {
            assert!(matches!(location.get(key).await, Err(Error::NotFound { .. })), "{key}");
            assert!(matches!(location.stream(key).await.map(drop), Err(Error::NotFound { .. })), "{key}");
            assert_eq!(location.head(key).await.unwrap(), None, "{key}");
        }
        location.delete("backups/b/y").await.unwrap();
        location.delete("backups/b/x").await.unwrap();
        assert_eq!(keys(&location, "").await, Vec::<String>::new());
        assert_eq!(location.list_dirs("backups").await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn lists_keep_to_their_directory() {
    let (_dir, locations) = locations();
    for location in locations {
        for key in ["backups/a/1", "backups/a/2", "backups/ab/1", "metadata/m"] {
            location.put(key, Bytes::from_static(b"x")).await.unwrap();
        }
        assert_eq!(keys(&location, "backups/a").await, ["backups/a/1", "backups/a/2"]);
        assert_eq!(location.list_dirs("backups").await.unwrap(), ["a", "ab"]);
        assert_eq!(location.list_dirs("").await.unwrap(), ["backups", "metadata"]);
        assert_eq!(keys(&location, "restores").await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_creators_one_succeeds_and_its_bytes_stay() {
    let (_dir, locations) = locations();
    for location in locations {
        for round in 0..5 {
            let key = format!("backups/b{round}/claim");
            let tasks = (0..16).map(|n| {
                let (location, key) = (location.clone(), key.clone());
                tokio::spawn(async move { location.create(&key, Bytes::from(format!("{n}"))).await })
            });
            let mut won = Vec::new();
            for (n, done) in futures::future::join_all(tasks).await.into_iter().enumerate() {
                match done.unwrap() {
                    Ok(()) => won.push(n),
                    Err(Error::Exists { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(won.len(), 1);
            assert_eq!(location.get(&key).await.unwrap(), won[0].to_string());
        }
        assert_eq!(keys(&location, "backups").await.len(), 5);
    }
}

#[tokio::test]
async fn keys_that_would_leave_the_location_are_refused() {
    let (dir, locations) = locations();
    std::fs::write(dir.path().join("outside"), "x").unwrap();
    for location in locations {
        for key in ["../outside", "backups/../../outside", "/etc/hostname", "backups//x", "backups/./x"] {
            assert!(location.put(key, Bytes::from_static(b"x")).await.is_err(), "{key} written");
            assert!(location.get(key).await.is_err(), "{key} read");
            assert!(location.delete(key).await.is_err(), "{key} deleted");
        }
    }
    assert_eq!(std::fs::read(dir.path().join("outside")).unwrap(), b"x");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_no_empty_location() {
    let (_dir, locations) = locations();
    assert!(matches!(locations[1].list_dirs("backups").await, Err(Error::Invalid(_))));
    assert!(matches!(locations[1].list("backups").await.map(drop), Err(Error::Invalid(_))));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &std::path::Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn files_and_directories_are_private_whatever_way_they_are_written() {
        let (_dir, locations) = locations();
        let folder = &locations[1];
        folder.put("backups/b/put", Bytes::from_static(b"x")).await.unwrap();
        folder.create("backups/b/created", Bytes::from_static(b"x")).await.unwrap();
        let mut upload = folder.upload("backups/b/uploaded").await.unwrap();
        upload.write(Bytes::from_static(b"x")).await.unwrap();
        upload.finish().await.unwrap();
        let root = folder.folder().unwrap();
        for dir in ["", "backups", "backups/b"] {
            assert_eq!(mode(&root.join(dir)), 0o700, "{dir:?}");
        }
        for file in ["put", "created", "uploaded"] {
            assert_eq!(mode(&root.join("backups/b").join(file)), 0o600, "{file}");
        }
    }

    #[tokio::test]
    async fn links_below_the_folder_are_not_followed() {
        let (dir, locations) = locations();
        let folder = &locations[1];
        folder.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("x"), "secret").unwrap();
        let root = folder.folder().unwrap();
        symlink(&outside, root.join("backups/link")).unwrap();
        symlink(outside.join("x"), root.join("backups/b/link")).unwrap();
        for key in ["backups/link/x", "backups/b/link"] {
            assert!(matches!(folder.get(key).await, Err(Error::Denied(_))), "{key} read");
            assert!(matches!(folder.put(key, Bytes::new()).await, Err(Error::Denied(_))), "{key} written");
            assert!(matches!(folder.delete(key).await, Err(Error::Denied(_))), "{key} deleted");
        }
        assert_eq!(folder.list_dirs("backups").await.unwrap(), ["b"]);
        assert_eq!(keys(folder, "").await, ["backups/b/x"]);
        assert_eq!(std::fs::read(outside.join("x")).unwrap(), b"secret");
    }

    #[tokio::test]
    async fn a_pipe_in_place_of_a_file_does_not_block() {
        let (_dir, locations) = locations();
        let folder = &locations[1];
        folder.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap();
        let pipe = folder.folder().unwrap().join("backups/b/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let read =
            tokio::time::timeout(std::time::Duration::from_secs(5), folder.get("backups/b/pipe")).await;
        assert!(matches!(read, Ok(Err(Error::Denied(_)))));
    }

    #[tokio::test]
    async fn a_link_that_is_the_location_itself_is_the_users_choice() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("real")).unwrap();
        symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
        let location =
            Location::open(dir.path().join("link").to_str().unwrap(), &LocationOptions::default()).unwrap();
        location.put("backups/x", Bytes::from_static(b"x")).await.unwrap();
        assert!(dir.path().join("real/backups/x").exists());
    }
}

mod uploads {
    use super::*;
    use crate::upload::PART_SIZE;

    #[tokio::test]
    async fn an_upload_of_any_size_appears_when_it_is_finished_and_not_before() {
        let (_dir, locations) = locations();
        for location in locations {
            for size in [0, 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, 3 * PART_SIZE + 17] {
                let key = format!("backups/b/{size}");
                let body: Bytes = (0..size).map(|n| (n / 251).to_le_bytes()[0]).collect();
                let mut upload = location.upload(&key).await.unwrap();
                for chunk in body.chunks(300_007) {
                    upload.write(body.slice_ref(chunk)).await.unwrap();
                }
                assert!(!location.exists(&key).await.unwrap(), "{size} bytes visible too early");
                assert_eq!(upload.finish().await.unwrap(), size as u64);
                assert!(location.get(&key).await.unwrap() == body, "{size} bytes differ");
            }
        }
    }

    #[tokio::test]
    async fn an_aborted_or_dropped_upload_leaves_nothing() {
        let (_dir, locations) = locations();
        for location in locations {
            for drop_it in [false, true] {
                let mut upload = location.upload("backups/b/x").await.unwrap();
                upload.write(vec![1; 2 * PART_SIZE].into()).await.unwrap();
                if drop_it {
                    drop(upload);
                } else {
                    upload.abort().await.unwrap();
                }
                if let Some(folder) = location.folder() {
                    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
                    while folder.join("backups/b").read_dir().is_ok_and(|mut dir| dir.next().is_some()) {
                        assert!(std::time::Instant::now() < deadline, "a temporary file stayed");
                        tokio::task::yield_now().await;
                    }
                }
                assert!(!location.exists("backups/b/x").await.unwrap());
            }
        }
    }

    #[tokio::test]
    async fn an_upload_replaces_what_has_its_key_only_when_finished() {
        let (_dir, locations) = locations();
        for location in locations {
            location.put("backups/b/x", Bytes::from_static(b"old")).await.unwrap();
            let mut upload = location.upload("backups/b/x").await.unwrap();
            upload.write(Bytes::from_static(b"new")).await.unwrap();
            assert_eq!(location.get("backups/b/x").await.unwrap(), "old");
            upload.finish().await.unwrap();
            assert_eq!(location.get("backups/b/x").await.unwrap(), "new");
        }
    }
}
