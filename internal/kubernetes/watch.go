// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/vedette-io/vedette/internal/workload"
)

// Store takes the pods; [workload.Store] is one.
type Store interface {
	PutPod(workload.Pod)
	RemovePod(workload.Pod)
}

// Options are what a [Watch] is made with.
type Options struct {
	// Config says how to reach the API server.
	Config *rest.Config
	// Node is the name of this node: only its pods are watched.
	Node  string
	Store Store
	// NodeLabels is told of the labels of the node, and again when they change.
	NodeLabels func(map[string]string)
	Log        *slog.Logger
}

// Config returns how to reach the API server: as a kubeconfig file says, or where its name is empty as a pod
// is told (KUBERNETES_SERVICE_HOST and its service account).
func Config(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if kubeconfig == "" {
		config, err = rest.InClusterConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return config, nil
}

// Watch watches an API server.
type Watch struct {
	opts   Options
	client rest.Interface
}

// New returns a watch. The API server need not be reachable yet.
func New(opts Options) (*Watch, error) {
	scheme := runtime.NewScheme()
	// The group alone, of the many that a whole client set has.
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	config := rest.CopyConfig(opts.Config)
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON, runtime.ContentTypeProtobuf
	config.UserAgent = "vedette"
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return &Watch{opts: opts, client: client}, nil
}

// Run watches until ctx ends. While the API server is away what was known stays so.
func (w *Watch) Run(ctx context.Context) {
	var group sync.WaitGroup
	pods := w.informer("pods", "spec.nodeName", &corev1.Pod{}, cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.put(object) },
		UpdateFunc: func(_, object any) { w.put(object) },
		DeleteFunc: func(object any) { w.remove(object) },
	})
	nodes := w.informer("nodes", "metadata.name", &corev1.Node{}, cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.label(object) },
		UpdateFunc: func(_, object any) { w.label(object) },
	})
	group.Go(func() { pods.RunWithContext(ctx) })
	group.Go(func() { nodes.RunWithContext(ctx) })
	group.Wait()
}

// informer returns an informer of the objects of a resource one of whose fields is the name of this node.
func (w *Watch) informer(resource, field string, kind runtime.Object, handler cache.ResourceEventHandler) cache.Controller {
	watched := cache.NewListWatchFromClient(w.client, resource, metav1.NamespaceAll, fields.OneTermEqualSelector(field, w.opts.Node))
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: watched, ObjectType: kind, Handler: handler, Transform: strip,
	})
	return controller
}

// strip drops what nobody looks at and takes most of the memory of an object.
func strip(object any) (any, error) {
	if with, ok := object.(metav1.Object); ok {
		with.SetManagedFields(nil)
	}
	return object, nil
}

func (w *Watch) put(object any) {
	if pod, ok := object.(*corev1.Pod); ok {
		w.opts.Store.PutPod(podOf(pod))
	}
}

func (w *Watch) remove(object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		w.opts.Store.RemovePod(podOf(pod))
	}
}

func (w *Watch) label(object any) {
	if node, ok := object.(*corev1.Node); ok && w.opts.NodeLabels != nil {
		w.opts.NodeLabels(node.Labels)
	}
}
