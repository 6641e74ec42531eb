// Says what Kubernetes' own code makes of an object at another version: moves.json was written with it.
//
// Reads {"to": "apps/v1", "object": {...}} from stdin, one after another, and writes each object at that version, its
// defaults filled in. With "to" the object's own version, the object is what a server of that version would store. It is
// built beside testbed/modules/kube/go.mod, as
//
//	cp testbed/modules/kube/go.* kubernetes.go FOLDER && cd FOLDER && go build -mod=mod -o convert .
//
// A row of moves.json is {"to": version, "stored": what the old version would store, "kubernetes": that at the new one},
// both without status and creationTimestamp; a VolumeAttributesClass has the finalizer that its controller gives it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	definitions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	services "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/kubectl/cmd/convert"
)

func main() {
	scheme := legacyscheme.Scheme
	definitions.Install(scheme)
	services.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		var asked struct {
			To     string
			Object json.RawMessage
		}
		if err := in.Decode(&asked); err == io.EOF {
			return
		} else if err != nil {
			fail(err)
		}
		moved, err := move(scheme, decoder, asked.Object, asked.To)
		if err != nil {
			fail(err)
		}
		if err := out.Encode(moved); err != nil {
			fail(err)
		}
	}
}

func move(scheme *runtime.Scheme, decoder runtime.Decoder, object []byte, to string) (runtime.Object, error) {
	target, err := schema.ParseGroupVersion(to)
	if err != nil {
		return nil, err
	}
	old, kind, err := decoder.Decode(object, nil, nil)
	if err != nil {
		return nil, err
	}
	scheme.Default(old)
	// The internal version is of the object's own group, or, where that has none of its own, of the one it went to.
	internal, err := scheme.ConvertToVersion(old, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		hub := schema.GroupVersion{Group: target.Group, Version: runtime.APIVersionInternal}
		if internal, err = scheme.ConvertToVersion(old, hub); err != nil {
			return nil, err
		}
	}
	moved, err := scheme.ConvertToVersion(internal, target)
	if err == nil {
		scheme.Default(moved)
	}
	return moved, err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
