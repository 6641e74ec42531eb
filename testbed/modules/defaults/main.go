// Prints what an API server keeps of an object: one JSON object a line in, one line out.
//
// The scheme and the codecs are the server's own; no server runs. A line out is {"object": ...}, with "strict" beside it
// where the strict decoder found fault, or {"error": "..."}. With the argument "kinds" it prints the kinds it knows.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"

	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	registration "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	registrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane"
)

type answer struct {
	Object json.RawMessage `json:"object,omitempty"`
	Strict []string        `json:"strict,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Kinds kept at another version than the one they are written at.
var kept = map[schema.GroupVersionKind]schema.GroupVersion{
	{Group: "events.k8s.io", Version: "v1", Kind: "Event"}:                 {Version: "v1"},
	{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler"}: {Group: "autoscaling", Version: "v2"},
	extensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"):   extensionsv1beta1.SchemeGroupVersion,
}

// Groups whose servers keep JSON; all others keep protobuf.
var plain = map[string]bool{extensionsv1.GroupName: true, registrationv1.GroupName: true}

func main() {
	scheme := legacyscheme.Scheme
	extensions.Install(scheme)
	registration.Install(scheme)
	if len(os.Args) > 1 && os.Args[1] == "kinds" {
		kinds(scheme)
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		if err := encoder.Encode(answered(scheme, in.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := errors.Join(in.Err(), out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func kinds(scheme *runtime.Scheme) {
	var names []string
	for kind := range scheme.AllKnownTypes() {
		if kind.Version != runtime.APIVersionInternal {
			names = append(names, fmt.Sprintf("%s/%s/%s", kind.Group, kind.Version, kind.Kind))
		}
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name)
	}
}

func answered(scheme *runtime.Scheme, line []byte) (said answer) {
	// Some defaulting functions of the server panic on what validation would refuse.
	defer func() {
		if failed := recover(); failed != nil {
			said = answer{Error: fmt.Sprintf("panic: %v", failed)}
		}
	}()
	strict := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{Strict: true})
	object, kind, err := strict.Decode(line, nil, nil)
	if found, ok := runtime.AsStrictDecodingError(err); ok {
		for _, one := range found.Errors() {
			said.Strict = append(said.Strict, one.Error())
		}
	} else if err != nil {
		return answer{Error: err.Error()}
	}
	scheme.Default(object)
	if object, err = store(scheme, object, *kind); err == nil {
		said.Object, err = json.Marshal(object)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return said
}

// Writes the object as the server keeps it, and reads it again.
func store(scheme *runtime.Scheme, object runtime.Object, kind schema.GroupVersionKind) (runtime.Object, error) {
	at, other := kept[kind]
	if !other {
		at = kind.GroupVersion()
	}
	object, err := convert(scheme, object, at)
	if err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(at.WithKind(kind.Kind))
	var serializer runtime.Serializer = protobuf.NewSerializer(scheme, scheme)
	if plain[kind.Group] {
		serializer = kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{})
	}
	bytes, err := runtime.Encode(serializer, object)
	if err != nil {
		return nil, err
	}
	if object, _, err = serializer.Decode(bytes, nil, nil); err != nil {
		return nil, err
	}
	scheme.Default(object)
	if object, err = convert(scheme, object, kind.GroupVersion()); err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	return object, nil
}

// Through the internal version, as the server goes.
func convert(scheme *runtime.Scheme, object runtime.Object, to schema.GroupVersion) (runtime.Object, error) {
	internal := schema.GroupVersion{Group: object.GetObjectKind().GroupVersionKind().Group, Version: runtime.APIVersionInternal}
	hub, err := scheme.ConvertToVersion(object, internal)
	if runtime.IsNotRegisteredError(err) {
		return object, nil
	} else if err != nil {
		return nil, err
	}
	return scheme.ConvertToVersion(hub, to)
}
