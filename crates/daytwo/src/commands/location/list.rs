//! `daytwo location list`.

use serde::Serialize;

use crate::config::{self, Kept};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::Table;
use crate::settings::Session;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationList {
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    default: bool,
    #[serde(flatten)]
    kept: Kept,
}

impl Document for LocationList {
    fn kind(&self) -> Option<&'static str> {
        Some("LocationList")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["NAME", "DEFAULT", "URL"];
        if wide {
            header.extend(["ENDPOINT", "REGION", "PROFILE"]);
        }
        let mut table = Table::new(header);
        for item in &self.items {
            let default = if item.default { "yes" } else { "" };
            let mut row = vec![item.name.clone().into(), default.into(), item.kept.url.clone().into()];
            if wide {
                for value in [&item.kept.endpoint, &item.kept.region, &item.kept.profile] {
                    row.push(value.clone().unwrap_or_default().into());
                }
            }
            table.row(row);
        }
        table.render(paint)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| item.name.clone()).collect()
    }
}

/// Prints the kept locations, by name.
///
/// # Errors
/// Exit 2 where the config file cannot be used.
pub fn run(session: &Session) -> Result {
    let path = session.config_path()?;
    let config = config::read(&path)?;
    let default = config.default_location;
    let items: Vec<Item> = config
        .locations
        .into_iter()
        .map(|(name, kept)| Item { default: default.as_deref() == Some(name.as_str()), name, kept })
        .collect();
    if items.is_empty() {
        session.speak.note(&format!("no location is kept in {}", path.display()));
        session.speak.suggest("daytwo location add NAME URL --default");
    }
    session.out.document(&LocationList { items })?;
    Ok(Exit::Done)
}
