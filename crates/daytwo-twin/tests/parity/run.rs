//! Runs the calls of one area on both sides, each in its own namespace, and says how they went.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};

use crate::script::Step;
use crate::side::Side;
use crate::sides::report::{Area, Outcome};
use crate::sides::{Sides, diff};

/// Runs `steps`; those that `wanted` leaves out are made, but not told of.
pub async fn area(sides: &Sides, name: &str, script: &str, steps: &[Step], wanted: &[String]) -> Area {
    let mut area =
        Area { name: name.to_owned(), outcomes: Vec::new(), whole: wanted.is_empty(), broken: None };
    let ran = run(sides, &mut area, script, steps, wanted).await;
    area.broken = ran.err().map(|error| format!("{error:#}"));
    area
}

async fn run(sides: &Sides, area: &mut Area, script: &str, steps: &[Step], wanted: &[String]) -> Result<()> {
    let name = &area.name;
    let namespace = format!("parity-{name}");
    let mut real = Side::new(&sides.real, &namespace, script).await?;
    let mut twin = Side::new(&sides.twin, &namespace, script).await?;
    real.begin().await?;
    if let Err(error) = twin.begin().await {
        let differences = vec![format!("twin: {error:#}")];
        let (line, real) = ("what a new namespace gets".to_owned(), String::new());
        area.outcomes.push(Outcome { id: "begin".to_owned(), at: 0, line, real, differences });
    }
    let mut recorded: HashMap<String, Vec<u8>> = HashMap::new();
    for step in steps {
        let about = || format!("areas/{name}.txt:{} ({})", step.at, step.id);
        if step.method == "RECORD" {
            let bytes = real.record(step).await.with_context(about)?;
            recorded.insert(step.flag("name").unwrap_or_default().to_owned(), bytes);
            continue;
        }
        let (one, other) = tokio::join!(real.step(step, &recorded), twin.step(step, &recorded));
        let one = one.with_context(about)?;
        if step.status.is_some_and(|wanted| wanted != one.0) {
            bail!("{}: the real side answers {}, not as the line says: {}", about(), one.0, one.1);
        }
        let mut differences = Vec::new();
        match other {
            Ok(other) if one.0 != other.0 => {
                differences.push(format!("status: real {}, twin {}", one.0, other.0));
                let mut more = Vec::new();
                diff::values("", &one.1["body"], &other.1["body"], &mut more);
                differences.extend(more.into_iter().take(4));
            }
            Ok(other) => diff::values("", &one.1, &other.1, &mut differences),
            Err(error) => differences.push(format!("twin: {error:#}")),
        }
        if wanted.is_empty() || wanted.iter().any(|id| step.id.starts_with(id.as_str())) {
            let real = format!("{} {}", one.0, one.1);
            let (id, line) = (step.id.clone(), step.line.clone());
            area.outcomes.push(Outcome { id, at: step.at, line, real, differences });
        }
    }
    Ok(())
}
