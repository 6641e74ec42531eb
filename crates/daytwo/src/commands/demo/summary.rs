//! What the demo came to, and how to look into what it kept.

use jiff::SignedDuration;
use serde::Serialize;

use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;

/// The end of the demo.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    location: String,
    backup: String,
    run: String,
    namespace: String,
    /// Objects that were lost with it.
    lost: u64,
    seconds: f64,
    commands: Vec<String>,
}

impl Summary {
    /// After a demo by `program` that took so long.
    pub fn new(
        program: &str,
        backup: &str,
        location: &str,
        run: &str,
        namespace: &str,
        lost: u64,
        took: SignedDuration,
    ) -> Self {
        let at = format!("--location {location}");
        let commands = vec![
            format!("{program} backup describe {backup} {at}"),
            format!("{program} backup get {backup} deployment/web -n {namespace} -o yaml {at}"),
            format!("{program} runs show {run} {at}"),
            format!("tar -tzf {location}/backups/{backup}/{backup}.tar.gz"),
            format!("{program} twin kubectl --from backup:{backup} {at} -- get pods -n {namespace} -o wide"),
            format!("{program} restore create --from {backup} --into twin:fixture:empty {at}"),
        ];
        Self {
            location: location.to_owned(),
            backup: backup.to_owned(),
            run: run.to_owned(),
            namespace: namespace.to_owned(),
            lost,
            seconds: took.as_secs_f64(),
            commands,
        }
    }
}

impl Document for Summary {
    fn kind(&self) -> Option<&'static str> {
        Some("Demo")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut text = format!(
            "\n{} namespace {} was lost with {} and is back, and nothing differs. It took {:.1} s.\n\n\
             The backup and the journal of the restore are kept in {}. Look into them:\n",
            paint.good("Done:"),
            self.namespace,
            words::count(self.lost, "object"),
            self.seconds,
            self.location,
        );
        for command in &self.commands {
            text.push_str(&format!("  {command}\n"));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.backup.clone()]
    }
}
