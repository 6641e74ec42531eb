//! Reads beside a Velero backup which volumes' data lies elsewhere. daytwo's own backups hold no volume data and have
//! nothing of the kind.

use std::io::Read;

use daytwo_archive::layout::File;
use daytwo_archive::{ArchiveError, Backup, BackupName, Location, MadeBy};
use daytwo_core::restore::{DataElsewhere, Volumes};
use flate2::read::MultiGzDecoder;

/// The largest such file that is read, in bytes, compressed or not: some 100,000 volumes.
const LIMIT: u64 = 128 << 20;

/// What the files of `backup` say.
pub async fn read(location: &Location, backup: &Backup) -> Result<DataElsewhere, ArchiveError> {
    let mut elsewhere = DataElsewhere::default();
    if matches!(backup.head().made_by, MadeBy::Daytwo { .. }) {
        return Ok(elsewhere);
    }
    let name = BackupName::try_from(backup.head().name.as_str());
    let name = name.map_err(|error| ArchiveError::Invalid(error.to_string()))?;
    let files = [
        (File::VolumeInfo, Volumes::Info),
        (File::PodVolumeBackups, Volumes::PodVolumeBackups),
        (File::VolumeSnapshots, Volumes::NativeSnapshots),
    ];
    for (file, volumes) in files {
        let key = name.key(file);
        let stored = match location.get_at_most(&key, LIMIT).await {
            Err(ArchiveError::NotFound { .. }) => continue,
            stored => stored?,
        };
        let corrupt = |what: String| ArchiveError::Corrupt {
            key: key.clone(),
            location: location.url().to_owned(),
            what: format!("cannot be read ({what}), so it is not known which claims' data lies elsewhere"),
        };
        let mut json = Vec::new();
        let mut plain = MultiGzDecoder::new(&stored[..]).take(LIMIT);
        plain.read_to_end(&mut json).map_err(|error| corrupt(error.to_string()))?;
        elsewhere.read(volumes, &json).map_err(|error| corrupt(error.to_string()))?;
    }
    Ok(elsewhere)
}
