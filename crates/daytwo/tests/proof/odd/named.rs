//! One test for each thing that restores are known to get wrong. All look at the one restore of the set.

use super::compare::Fate;
use super::proven;

/// Fails unless each object, `*` standing for the rest of its key, is as it was, or rightly is not there.
fn well(keys: &[&str]) {
    let Some(proven) = proven() else { return };
    for key in keys {
        let mut found = 0;
        for (known, fate) in &proven.fates {
            let is = key.strip_suffix('*').map_or(known == key, |begin| known.starts_with(begin));
            if is {
                found += 1;
                assert!(fate.well(), "{known}: {fate:#?}");
            }
        }
        assert!(found > 0, "{key} is not in the cluster");
    }
}

/// Fails if any of the objects was restored.
fn gone(keys: &[&str]) {
    let Some(proven) = proven() else { return };
    for key in keys {
        assert!(matches!(proven.fates[*key], Fate::Apart(_)), "{key}: {:?}", proven.fates[*key]);
        assert!(!proven.after.contains_key(*key), "{key} was made again");
    }
}

macro_rules! named {
    ($($check:ident $name:ident: $($key:literal)*;)*) => {
        $(#[test] fn $name() { $check(&[$($key),*]); })*
    };
}

named! {
    well a_volume_made_by_hand_with_policy_retain_is_bound_to_its_claim: "PersistentVolume/odd-static-retain" "PersistentVolumeClaim/odd-store/static-retain";
    well a_volume_made_by_hand_with_policy_delete_is_bound_and_keeps_it: "PersistentVolume/odd-static-delete" "PersistentVolumeClaim/odd-store/static-delete";
    well a_volume_made_by_a_provisioner_for_a_claim_that_waited_for_its_pod_is_bound: "PersistentVolume/pvc-*" "PersistentVolumeClaim/odd-store/dynamic-late";
    well a_claim_that_waits_for_a_pod_goes_on_waiting: "PersistentVolumeClaim/odd-store/pending" "PersistentVolumeClaim/odd-store/from-another" "PersistentVolume/odd-available";
    well cluster_ips_chosen_and_given_are_kept: "Service/odd-net/fixed" "Service/odd-net/given";
    well node_ports_chosen_and_given_are_kept: "Service/odd-net/node-ports" "Service/odd-net/balanced-without-ports";
    well the_port_for_health_checks_is_kept: "Service/odd-net/balanced";
    well headless_services_stay_headless: "Service/odd-net/headless" "Service/odd-net/headless-alone";
    well an_external_name_stays: "Service/odd-net/external";
    well dual_stack_services_keep_both_addresses_and_their_order: "Service/odd-net/dual" "Service/odd-net/dual-reversed";
    well endpoints_and_slices_that_a_person_wrote_stay: "Service/odd-net/manual" "Endpoints/odd-net/manual" "Endpoints/odd-net/lonely" "EndpointSlice/odd-net/written";
    well a_token_secret_belongs_to_its_account_again: "Secret/odd-rbac/builder-token" "ServiceAccount/odd-rbac/builder" "ServiceAccount/odd-rbac/default";
    well jobs_keep_the_selector_that_was_made_for_them_or_that_their_author_chose: "Job/odd-work/running" "Job/odd-work/own-selector";
    well jobs_that_had_ended_stay_ended_and_keep_their_status: "Job/odd-work/finished" "Job/odd-work/failed";
    well suspended_jobs_stay_suspended: "Job/odd-work/suspended" "Job/odd-work/yearly-1";
    well a_cron_job_keeps_its_zone_and_its_jobs: "CronJob/odd-work/yearly" "Job/odd-work/yearly-1";
    well a_stateful_set_keeps_its_pods_claims_and_revisions: "StatefulSet/odd-work/ordered" "Pod/odd-work/ordered-3" "PersistentVolumeClaim/odd-work/data-ordered-4" "ControllerRevision/odd-work/ordered-*";
    well a_daemon_set_keeps_its_revisions: "DaemonSet/odd-work/everywhere" "ControllerRevision/odd-work/everywhere-*";
    well a_paused_deployment_keeps_its_replica_sets_and_history: "Deployment/odd-work/paused" "ReplicaSet/odd-work/paused-*";
    well bare_pods_come_back: "Pod/odd-work/bare" "Pod/odd-work/debugged" "Pod/odd-limits/in-a-machine";
    well a_name_that_the_server_made_is_kept: "ConfigMap/odd-config/generated-*";
    well what_is_immutable_comes_back: "ConfigMap/odd-config/immutable" "Secret/odd-config/immutable";
    well finalizers_are_kept: "ConfigMap/odd-config/finalizer" "Namespace/odd-config";
    gone what_was_being_deleted_stays_away: "ConfigMap/odd-config/terminating";
    gone signing_requests_are_not_made_again: "CertificateSigningRequest/odd-request";
    well aggregated_roles_are_collected_again: "ClusterRole/odd-collected" "ClusterRole/odd-part" "ClusterRole/view";
    well roles_of_the_server_s_own_name_are_told_from_those_it_keeps: "ClusterRole/system:odd:agent" "ClusterRole/system:public-info-viewer" "ClusterRole/system:node";
    well names_with_colons_are_kept: "ClusterRole/odd:nodes:reader" "RoleBinding/odd-rbac/odd:bind" "Role/odd-rbac/odd:role:v1";
    well a_lease_is_kept: "Lease/odd-config/leader";
    well flow_schemas_and_levels_are_kept: "FlowSchema/*" "PriorityLevelConfiguration/*";
    well admission_policies_and_bindings_do_not_stop_what_they_would_refuse: "ValidatingAdmissionPolicy*" "MutatingAdmissionPolicy*" "Gauge/odd-config/*";
    well a_definition_with_several_versions_comes_with_its_objects: "CustomResourceDefinition/gauges.odd.example.com" "Gauge/odd-config/older-version";
    well objects_behind_a_conversion_webhook_that_is_not_up_come_back: "CustomResourceDefinition/valves.odd.example.com" "Valve/odd-net/behind-a-webhook";
    well an_api_service_whose_server_is_gone_comes_back_and_stops_nothing: "APIService/v1.gone.example.com";
    well names_of_253_characters_are_kept: "ConfigMap/odd-config/aaaaaaaaaa*" "Secret/odd-nnnnnnnnnn*";
    well objects_of_a_mebibyte_come_back: "ConfigMap/odd-config/one-mebibyte" "Secret/odd-config/one-mebibyte" "ConfigMap/odd-config/annotations";
    well text_of_every_script_is_kept: "ConfigMap/odd-config/unicode" "Gauge/odd-config/unicode";
    well numbers_keep_every_digit: "Gauge/odd-config/numbers";
    well what_is_empty_and_what_is_null_is_kept: "Gauge/odd-config/empties" "ConfigMap/odd-config/empty*" "ConfigMap/odd-config/binary";
    well the_status_of_custom_resources_is_kept: "Gauge/odd-config/observed" "Gauge/odd-config/behind" "Plant/plant.with.dots";
    well owners_keep_their_children_across_kinds_and_scopes: "Plant/root" "Gauge/odd-owners/child" "ConfigMap/odd-owners/*" "Secret/odd-owners/*" "ClusterRole/odd-owned";
    well managers_of_fields_keep_them: "ConfigMap/odd-config/managed" "ConfigMap/odd-config/applied" "Gauge/odd-config/lists" "ConfigMap/odd-owners/applied-owner";
    well quotas_and_limits_come_after_what_they_would_refuse: "ResourceQuota/odd-limits/*" "LimitRange/odd-limits/tight" "Pod/odd-limits/in-a-machine";
    well webhooks_that_may_fail_come_back: "ValidatingWebhookConfiguration/odd-may-fail" "MutatingWebhookConfiguration/odd-outside";
}
