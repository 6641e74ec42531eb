#!/bin/sh
# Makes `backup/` anew: `make.sh KUBECONFIG`, of an empty API server of another minor. The one kept here is of
# kube-apiserver v1.34.4 with etcd 3.6, without controllers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export KUBECONFIG="$1"
kubectl apply --server-side --field-manager=person --filename="$here/objects.yaml" || {
    kubectl wait --for=condition=Established --timeout=60s crd/dials.minor.example.com
    kubectl apply --server-side --field-manager=person --filename="$here/objects.yaml"
}
location=$(mktemp -d)
daytwo backup create minor --location "$location" --include-namespaces minor --include-cluster-resources=true \
    --include-resources "$(sed -n 's/^# resources: //p' "$0")"
rm -rf "$here/backup"
cp -R "$location/backups/minor" "$here/backup"
rm -rf "$location"
# resources: customresourcedefinitions,namespaces,configmaps,secrets,serviceaccounts,roles,rolebindings,deployments,statefulsets,daemonsets,cronjobs,jobs,services,ingresses,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,persistentvolumeclaims,limitranges,resourcequotas,leases,dials,storageclasses,priorityclasses,validatingadmissionpolicies
