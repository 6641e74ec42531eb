//! The list of free pages, where one is stored. etcd stores none: it finds them by walking.

use super::page::{HEADER, Kind, u64_at};
use super::{Db, Flaw, Pages};

/// Stands for "the count is the first number": more than a header can count (`internal/freelist/shared.go`).
const MANY: u16 = 0xFFFF;

/// A stored list of free pages.
#[derive(Debug, Clone)]
pub struct Freelist {
    /// Where it stands.
    pub page: u64,
    /// How many pages it takes there.
    pub pages: u64,
    /// What it lists.
    pub free: Pages,
}

/// The list of free pages; `None` where none is stored.
///
/// # Errors
/// If it cannot be one: no freelist there, a page out of range, twice the same.
pub fn freelist(db: Db<'_>) -> Result<Option<Freelist>, Flaw> {
    let Some(id) = db.meta().freelist else { return Ok(None) };
    let page = db.page(id)?;
    if page.kind != Kind::Freelist {
        return Err(page.flaw("the meta page says that the freelist is here".to_owned()));
    }
    let (count, start) = match page.count {
        MANY => (u64_at(page.bytes(), HEADER).unwrap_or_default(), HEADER + 8),
        count => (u64::from(count), HEADER),
    };
    let ids = page.bytes().get(start..).unwrap_or_default();
    let Some(ids) =
        count.checked_mul(8).and_then(|size| usize::try_from(size).ok()).and_then(|size| ids.get(..size))
    else {
        return Err(page.flaw(format!("{count} free pages do not fit into {} bytes", ids.len())));
    };
    let mut free = Pages::below(db.meta().high_water);
    for at in (0..ids.len()).step_by(8) {
        let id = u64_at(ids, at).unwrap_or_default();
        if !(2..db.meta().high_water).contains(&id) {
            return Err(page.flaw(format!("page {id} cannot be free: there is none")));
        }
        free.add(id, 1).map_err(|id| page.flaw(format!("page {id} is listed as free twice")))?;
    }
    Ok(Some(Freelist { page: id, pages: page.pages(), free }))
}
