use daytwo_core::finding::{Finding, Severity};
use daytwo_core::plan::{API_VERSION, Kind, SiteIdentity, Step};
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Existing, Skip, State, Tally, Wave};
use daytwo_engine::restore::Compared;
use jiff::Timestamp;

use super::*;

fn decided(name: &str, action: Action) -> Decided {
    let object = ObjectKey { resource: "configmaps".into(), namespace: Some("a".into()), name: name.into() };
    Decided { object, action, why: (action == Action::Skipped).then_some(Skip::ControllerMakes) }
}

fn view(objects: Vec<Decided>, comparison: Comparison) -> View {
    let mut tally = Tally::default();
    for decided in &objects {
        match decided.why {
            Some(why) => tally.skipped(decided.object.clone(), why),
            None => tally.count("configmaps", decided.action),
        }
    }
    tally.findings.push(Finding {
        id: "restore-class-missing".into(),
        severity: Severity::Warning,
        subject: "storageclasses.storage.k8s.io/fast".into(),
        evidence: "the cluster has none".into(),
        breaks: "2 claims stay pending".into(),
        remedy: "make it".into(),
        command: None,
    });
    let site = SiteIdentity {
        context: "lab".into(),
        server: "https://lab:6443".into(),
        version: "v1.36.3".into(),
        uid: None,
    };
    let request =
        Request { backup: "b".into(), existing: Existing::Update, prune: true, ..Request::default() };
    let at = Timestamp::UNIX_EPOCH;
    let plan = Plan {
        api_version: API_VERSION.to_owned(),
        kind: Kind::Restore(request.clone()),
        id: "run".into(),
        created: at,
        site: site.clone(),
        facts: vec![Fact::new("the backup", "b, 7 objects")],
        impact: Impact { creates: 1, updates: 1, deletes: 1 },
        phases: vec![Phase {
            name: "configuration".into(),
            steps: vec![Step::CreateObjects { wave: Wave::Config, objects: 2 }],
        }],
    };
    let report =
        Report::new("run".into(), request, site, Some(true), State::Planned, (at, at), tally, Vec::new());
    View::new(plan, report, objects, comparison)
}

#[test]
fn a_plan_reads_counts_first_then_what_to_act_on_then_objects_by_action_then_steps() {
    let objects = vec![
        decided("new", Action::Created),
        decided("same", Action::Same),
        decided("old", Action::Updated),
        decided("made", Action::Skipped),
        decided("gone", Action::Differs),
        decided("extra", Action::Deleted),
    ];
    let unknown = Compared { place: 4, fields: Err("it is gone since it was listed".into()) };
    let comparison = Comparison { objects: vec![unknown], differing_left_out: 3, changed_left_out: 0 };
    assert_eq!(
        view(objects, comparison).text(Paint(false), false),
        "\
run: backup b into lab (https://lab:6443, v1.36.3): planned
  creates 1, updates 1, deletes 1
RESOURCE     TO-CREATE   TO-UPDATE   TO-REPLACE   TO-DELETE   SAME   DIFFERS   MERGED   SKIPPED   FAILED
configmaps   1           1           0            1           1      1         0        1         0

To act on (1)
  warning: storageclasses.storage.k8s.io/fast: the cluster has none; 2 claims stay pending; make it (restore-class-missing)

To create (1)
  configmaps/a/new

To update (1)
  configmaps/a/old

To delete: the backup does not hold it (1)
  configmaps/a/extra

Differs, and is left as it is (1)
  configmaps/a/gone
    its fields are not known: it is gone since it was listed

Passed over (1)
  1: its controller makes it again

Without their fields: 3 more that differ, 0 more that are changed on the way: see -o json

Steps
PLACE   PHASE           STEP
0.0     configuration   write configuration: 2 objects, of which what is the same is left alone
relies on the backup: b, 7 objects
"
    );
}

#[test]
fn a_long_list_ends_and_says_where_the_rest_is_and_the_wide_one_names_everything() {
    let mut objects: Vec<Decided> =
        (0..SHOWN + 10).map(|at| decided(&format!("n{at}"), Action::Created)).collect();
    objects.extend([decided("made", Action::Skipped), decided("same", Action::Same)]);
    let last = Compared { place: SHOWN + 9, fields: Ok(Vec::new()) };
    let view = view(objects, Comparison { objects: vec![last], ..Comparison::default() });
    let text = view.text(Paint(false), false);
    assert!(text.contains("and 9 more: see -o wide\n") && !text.contains("a/n55"), "{text}");
    assert!(text.contains("  configmaps/a/n59\n    no field"), "one that was compared is not named: {text}");
    let wide = view.text(Paint(false), true);
    for named in ["a/n55\n", "  configmaps/a/made: its controller makes it again\n", "The same (1)\n"] {
        assert!(wide.contains(named), "{named}: {wide}");
    }
}

#[test]
fn what_is_saved_of_a_plan_is_read_from_its_json_with_the_objects_too() {
    let objects = vec![decided("new", Action::Created)];
    let plan = AsPlan { view: view(objects, Comparison::default()), objects: true };
    let json = serde_json::to_string(&plan).unwrap();
    assert!(json.contains(r#""objects":[{"object":{"#), "{json}");
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan.view.plan);
    let json = serde_json::to_value(AsReport(plan.view)).unwrap();
    assert_eq!((&json["kind"], &json["objects"][0]["action"]), (&"RestoreReport".into(), &"created".into()));
    assert_eq!(json["phases"][0]["steps"][0]["do"], "createObjects");
}
