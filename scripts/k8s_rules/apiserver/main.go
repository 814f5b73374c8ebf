// Judges objects as the API server of Kubernetes does before it keeps them, by its own code: decoded strictly, defaulted, validated, and pods
// held against the level `restricted` of PodSecurity. Reads YAML from standard input, and prints what is wrong, a line each. No cluster
// is asked, so what only a cluster knows (quotas, webhooks, what is there already) is not judged.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	autoscalingvalidation "k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	"k8s.io/pod-security-admission/api"
	security "k8s.io/pod-security-admission/policy"
)

func main() {
	decoder := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()
	evaluator, err := security.NewEvaluator(security.DefaultChecks())
	if err != nil {
		panic(err)
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			panic(err)
		}
		var named metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(document, &named); err != nil {
			panic(err)
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			fmt.Printf("%s %s: %s\n", named.Kind, named.Name, err)
			continue
		}
		for _, wrong := range validate(object) {
			fmt.Printf("%s %s: %s\n", named.Kind, named.Name, wrong)
		}
		for _, wrong := range notRestricted(evaluator, object, kind.GroupVersion()) {
			fmt.Printf("%s %s: is not restricted: %s\n", named.Kind, named.Name, wrong)
		}
	}
}

// What the API server says of an object that is new. What it fills in itself first, from the other fields, is filled in here.
func validate(object runtime.Object) field.ErrorList {
	switch object := object.(type) {
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(object, corevalidation.PodValidationOptions{})
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(object, corevalidation.PodValidationOptions{})
	case *batch.Job:
		own := map[string]string{batch.ControllerUidLabel: "uid", batch.LegacyControllerUidLabel: "uid", batch.JobNameLabel: object.Name,
			batch.LegacyJobNameLabel: object.Name}
		object.UID = "uid"
		object.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batch.ControllerUidLabel: "uid"}}
		for label, value := range own {
			object.Spec.Template.Labels[label] = value
		}
		return batchvalidation.ValidateJob(object, batchvalidation.JobValidationOptions{RequirePrefixedLabels: true})
	case *batch.CronJob:
		return batchvalidation.ValidateCronJobCreate(object, corevalidation.PodValidationOptions{})
	case *core.Service:
		if object.Spec.ClusterIP != "" {
			object.Spec.ClusterIPs = []string{object.Spec.ClusterIP}
		}
		return corevalidation.ValidateServiceCreate(object)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(object)
	case *core.Secret:
		return corevalidation.ValidateSecret(object)
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(object)
	case *core.Namespace:
		return corevalidation.ValidateNamespace(object)
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(object, networkingvalidation.NetworkPolicyValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(object, policyvalidation.PodDisruptionBudgetValidationOptions{})
	case *autoscaling.HorizontalPodAutoscaler:
		bounds := autoscalingvalidation.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1}
		return autoscalingvalidation.ValidateHorizontalPodAutoscaler(object, bounds)
	default:
		return field.ErrorList{field.InternalError(field.NewPath("kind"), errors.New("nothing here judges this kind"))}
	}
}

// What keeps the pods of a workload out of a namespace that is `restricted`.
func notRestricted(evaluator security.Evaluator, object runtime.Object, version schema.GroupVersion) []string {
	external, err := legacyscheme.Scheme.ConvertToVersion(object, version)
	if err != nil {
		return []string{err.Error()}
	}
	var template *corev1.PodTemplateSpec
	switch owner := external.(type) {
	case *appsv1.Deployment:
		template = &owner.Spec.Template
	case *appsv1.StatefulSet:
		template = &owner.Spec.Template
	case *batchv1.Job:
		template = &owner.Spec.Template
	case *batchv1.CronJob:
		template = &owner.Spec.JobTemplate.Spec.Template
	default:
		return nil
	}
	var wrong []string
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			wrong = append(wrong, result.ForbiddenReason+" ("+result.ForbiddenDetail+")")
		}
	}
	return wrong
}
