//! Volumes that show what the cluster knows: projections, and the downward API.

use super::{
    At, Faults, Setting, Value, below_here, environment, file_mode, json, key_to_path, resources, selector,
    words,
};

pub(super) fn downward(file: &At<'_>, out: &mut Faults) {
    let path = file.at("path");
    if path.empty() {
        out.push(path.required(""));
    }
    below_here(&path, out);
    let (field, resource) = (file.at("fieldRef"), file.at("resourceFieldRef"));
    if field.has() {
        let known = [
            "metadata.annotations",
            "metadata.labels",
            "metadata.name",
            "metadata.namespace",
            "metadata.uid",
        ];
        environment::field_reference(&field, &known, out);
        if resource.has() {
            let words = "fieldRef and resourceFieldRef can not be specified simultaneously";
            out.push(file.invalid_as("resource", words));
        }
    } else if resource.has() {
        environment::resource_reference(&resource, true, out);
    } else {
        out.push(file.required("one of fieldRef and resourceFieldRef is required"));
    }
    file_mode(&file.at("mode"), out);
}

pub(super) fn projected(place: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    file_mode(&place.at("defaultMode"), out);
    let mut paths: Vec<String> = Vec::new();
    let mut taken = |path: &str, said: Value, out: &mut Faults| {
        if path.is_empty() {
            return;
        }
        if paths.iter().any(|other| other == path) {
            out.push(place.invalid_as(said, "conflicting duplicate paths"));
        } else {
            paths.push(path.to_owned());
        }
    };
    for source in place.at("sources").items() {
        for name in ["secret", "configMap"] {
            let inner = source.at(name);
            if !inner.has() {
                continue;
            }
            if inner.str("name").is_empty() {
                out.push(inner.at("name").required(""));
            }
            for key in inner.at("items").items() {
                key_to_path(&key, out);
                taken(key.str("path"), json!(inner.str("name")), out);
            }
        }
        for file in source.at("downwardAPI").at("items").items() {
            downward(&file.called(source.at("downwardAPI").path()), out);
            taken(file.str("path"), json!(file.str("path")), out);
        }
        if source.at("serviceAccountToken").has() {
            token(place, &source.at("serviceAccountToken"), setting, out);
        }
        if source.at("clusterTrustBundle").has() {
            bundle(&source.at("clusterTrustBundle"), out);
            let path = source.at("clusterTrustBundle");
            taken(path.str("path"), json!(path.str("path")), out);
        }
        let kinds = [
            "secret",
            "configMap",
            "downwardAPI",
            "serviceAccountToken",
            "clusterTrustBundle",
            "podCertificate",
        ];
        if kinds.iter().filter(|kind| source.at(kind).has()).count() > 1 {
            out.push(source.forbidden("may not specify more than 1 volume type per source"));
        }
    }
}

fn token(place: &At<'_>, token: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let seconds = token.at("expirationSeconds");
    if token.int("expirationSeconds") < 600 {
        let said = token.int("expirationSeconds");
        out.push(seconds.invalid_as(said, "may not specify a duration less than 10 minutes"));
    }
    if token.int("expirationSeconds") > 1 << 32 {
        out.push(seconds.invalid("may not specify a duration larger than 2^32 seconds"));
    }
    let path = token.at("path").called(format!("{}.path", place.path()));
    let climbed = |old: &At<'_>| {
        old.at("volumes").items().any(|volume| {
            volume.at("projected").at("sources").items().any(|source| {
                let mut wrong = Faults::new();
                below_here(&source.at("serviceAccountToken").at("path"), &mut wrong);
                !wrong.is_empty()
            })
        })
    };
    if path.empty() {
        out.push(path.required(""));
    } else if !setting.was(climbed) {
        below_here(&path, out);
    }
}

fn bundle(bundle: &At<'_>, out: &mut Faults) {
    let (name, signer) = (bundle.at("name"), bundle.at("signerName"));
    match (name.has(), signer.has()) {
        (true, true) => {
            let said = words::shown("ClusterTrustBundleProjection", bundle.value());
            out.push(bundle.invalid_as(said, "only one of name and signerName may be used"));
        }
        (true, false) => {
            if name.empty() {
                out.push(name.required("must be a valid object name"));
            }
            let last = name.text().rsplit(':').next().unwrap_or("");
            let wrong = words::subdomain(last).into_iter();
            out.extend(
                wrong.map(|words| name.invalid(format!("not a valid clustertrustbundlename: {words}"))),
            );
            if bundle.at("labelSelector").has() {
                out.push(
                    bundle.at("labelSelector").invalid("labelSelector must be unset if name is specified"),
                );
            }
        }
        (false, true) => {
            if signer.empty() {
                out.push(signer.required("must be a valid signer name"));
            }
            resources::signer(&signer, out);
            selector(&bundle.at("labelSelector"), out);
        }
        (false, false) => out.push(bundle.required("either name or signerName must be specified")),
    }
    if bundle.at("path").empty() {
        out.push(bundle.at("path").required(""));
    }
    below_here(&bundle.at("path"), out);
}
