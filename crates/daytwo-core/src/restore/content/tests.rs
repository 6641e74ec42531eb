use super::*;

fn content(resource: &str, object: &str) -> Vec<u8> {
    let mut out = Vec::new();
    feed(resource, object.as_bytes(), Lost::default(), &mut |part| out.extend_from_slice(part)).unwrap();
    out
}

#[track_caller]
fn same(resource: &str, one: &str, other: &str) {
    assert_eq!(content(resource, one), content(resource, other));
}

#[track_caller]
fn differ(resource: &str, one: &str, other: &str) {
    assert_ne!(content(resource, one), content(resource, other));
}

#[test]
fn what_the_server_decides_is_no_difference() {
    same(
        "configmaps",
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"1","resourceVersion":"2",
            "creationTimestamp":"2026-01-01T00:00:00Z","generation":3,"managedFields":[{"manager":"x"}],
            "ownerReferences":[{"uid":"9"}],"annotations":{}},"data":{"a":"b"},"status":{"x":1}}"#,
        r#"{"metadata":{"name":"a"},"data":{"a":"b"}}"#,
    );
}

#[test]
fn order_of_keys_spelling_of_strings_and_of_numbers_are_no_difference() {
    same(
        "widgets.x.io",
        r#"{"metadata":{"name":"a"},"spec":{"b":1.0,"a":"\u003cx\u003e", "n":null,"e":1e3}}"#,
        r#"{"spec":{"a":"<x>","e":1000.0,"b":1.0},"metadata":{"name":"a"}}"#,
    );
}

#[test]
fn digits_that_a_float_would_lose_are_a_difference() {
    differ("widgets.x.io", r#"{"spec":{"n":9007199254740993}}"#, r#"{"spec":{"n":9007199254740992}}"#);
}

#[test]
fn texts_do_not_run_into_each_other() {
    differ("x", r#"{"a":["b\",\"c"]}"#, r#"{"a":["b","c"]}"#);
    differ("x", r#"{"a":{"b":"1"}}"#, r#"{"a":{"b1":""}}"#);
    differ("x", r#"{"a":"1"}"#, r#"{"a":1}"#);
}

#[test]
fn a_field_called_status_deeper_inside_is_content() {
    differ("widgets.x.io", r#"{"spec":{"status":"on"}}"#, r#"{"spec":{"status":"off"}}"#);
    differ("widgets.x.io", r#"{"spec":{"kind":"a"}}"#, r#"{"spec":{"kind":"b"}}"#);
}

#[test]
fn a_token_s_data_is_the_controller_s_and_another_secret_s_is_not() {
    let secret = |kind: &str, data: &str| {
        format!(
            r#"{{"metadata":{{"annotations":{{"kubernetes.io/service-account.uid":"{data}"}}}},"data":{{"token":"{data}"}},"type":"{kind}"}}"#
        )
    };
    let token = "kubernetes.io/service-account-token";
    same("secrets", &secret(token, "YQ=="), &secret(token, "Yg=="));
    differ("secrets", &secret("Opaque", "YQ=="), &secret("Opaque", "Yg=="));
}

#[test]
fn a_job_s_generated_selector_is_no_difference_and_its_author_s_is() {
    let job = |manual: bool, uid: &str| {
        format!(
            r#"{{"metadata":{{"labels":{{"controller-uid":"{uid}"}}}},"spec":{{"manualSelector":{manual},"selector":{{"matchLabels":{{"batch.kubernetes.io/controller-uid":"{uid}"}}}},
            "template":{{"metadata":{{"labels":{{"batch.kubernetes.io/controller-uid":"{uid}","a":"b"}}}}}}}}}}"#
        )
    };
    same("jobs.batch", &job(false, "1"), &job(false, "2"));
    differ("jobs.batch", &job(true, "1"), &job(true, "2"));
}

#[test]
fn an_emptied_claim_is_not_compared_by_the_volume_it_got() {
    let claim = |volume: &str| format!(r#"{{"spec":{{"volumeName":"{volume}"}}}}"#);
    let fed = |name: &str, volume| {
        let mut out = Vec::new();
        let claim = claim(name);
        let lost = Lost { volume, ..Lost::default() };
        feed("persistentvolumeclaims", claim.as_bytes(), lost, &mut |part| {
            out.extend_from_slice(part);
        })
        .unwrap();
        out
    };
    assert_eq!(fed("a", true), fed("b", true));
    assert_ne!(fed("a", false), fed("b", false));
}

#[test]
fn annotations_of_nothing_but_noise_equal_none() {
    same(
        "persistentvolumeclaims",
        r#"{"metadata":{"name":"a","annotations":{"pv.kubernetes.io/bind-completed":"yes"}}}"#,
        r#"{"metadata":{"name":"a"}}"#,
    );
    differ(
        "persistentvolumeclaims",
        r#"{"metadata":{"name":"a","annotations":{"pv.kubernetes.io/bind-completed":"yes","x":"y"}}}"#,
        r#"{"metadata":{"name":"a"}}"#,
    );
}

#[test]
fn a_service_is_not_compared_by_the_address_and_the_ports_it_got_for_those_another_has() {
    let fed = |address: &str, port: u16, lost| {
        let mut out = Vec::new();
        let service = format!(
            r#"{{"spec":{{"clusterIP":"{address}","clusterIPs":["{address}"],"ports":[{{"port":80,"nodePort":{port}}}]}}}}"#
        );
        feed("services", service.as_bytes(), lost, &mut |part| out.extend_from_slice(part)).unwrap();
        out
    };
    let address = Lost { address: true, ..Lost::default() };
    let ports = Lost { ports: true, ..Lost::default() };
    assert_eq!(fed("10.0.0.1", 30_001, address), fed("10.0.0.2", 30_001, address));
    assert_ne!(fed("10.0.0.1", 30_001, address), fed("10.0.0.1", 30_002, address));
    assert_eq!(fed("10.0.0.1", 30_001, ports), fed("10.0.0.1", 30_002, ports));
    assert_ne!(fed("10.0.0.1", 30_001, ports), fed("10.0.0.2", 30_001, ports));
    assert_ne!(fed("10.0.0.1", 30_001, Lost::default()), fed("10.0.0.2", 30_001, Lost::default()));
}

#[test]
fn the_revision_that_a_rollout_counts_is_no_difference() {
    let web = |revision: u32, image: &str| {
        format!(
            r#"{{"metadata":{{"name":"web","annotations":{{"deployment.kubernetes.io/revision":"{revision}"}}}},"spec":{{"image":"{image}"}}}}"#
        )
    };
    same("deployments.apps", &web(1, "i"), &web(3, "i"));
    differ("deployments.apps", &web(1, "i"), &web(1, "j"));
}
