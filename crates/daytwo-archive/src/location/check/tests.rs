use super::*;
use crate::location::LocationOptions;

fn outcomes(results: &[CheckResult]) -> Vec<Outcome> {
    results.iter().map(|result| result.outcome).collect()
}

#[tokio::test]
async fn a_folder_and_memory_pass_every_step_and_are_left_empty() {
    let dir = tempfile::tempdir().unwrap();
    let folder =
        Location::open(dir.path().join("new").to_str().unwrap(), &LocationOptions::default()).unwrap();
    for location in [folder, Location::memory()] {
        let results = location.check("r").await;
        assert_eq!(outcomes(&results), [Outcome::Good; STEPS.len()], "{results:#?}");
        assert_eq!(location.list("").await.unwrap().try_collect::<Vec<_>>().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_directory_velero_does_not_know_is_a_warning() {
    let location = Location::memory();
    location.put("index/x", Bytes::from_static(b"x")).await.unwrap();
    let results = location.check("r").await;
    assert_eq!(results[0].outcome, Outcome::Warning);
    assert!(results[0].detail.contains("index"));
    assert_eq!(outcomes(&results[1..]), [Outcome::Good; STEPS.len() - 1], "{results:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_written_is_bad_once_and_the_rest_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("metadata"), "a file in the way").unwrap();
    let location = Location::open(dir.path().to_str().unwrap(), &LocationOptions::default()).unwrap();
    let results = location.check("r").await;
    assert_eq!(results[2].outcome, Outcome::Bad);
    assert!(results[3..8].iter().all(|result| result.outcome == Outcome::Skipped), "{results:#?}");
}
