{{/* Name of the chart, cut to what a label may hold. */}}
{{- define "bandit-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Pods of the operator: none where none are asked for, else at least one a shard. */}}
{{- define "bandit-operator.replicas" -}}
{{- if .Values.replicas }}{{ max (int .Values.replicas) (int .Values.shards) }}{{ else }}0{{ end }}
{{- end }}

{{/* Name of the objects: the release's, with the chart's where it does not say so already. */}}
{{- define "bandit-operator.fullname" -}}
{{- $name := include "bandit-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bandit-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bandit-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "bandit-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "bandit-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "bandit-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "bandit-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Reference of an image: of a dict with the image's values, and the version that counts without a tag. */}}
{{- define "bandit-operator.reference" -}}
{{- printf "%s:%s" .image.repository (default .version .image.tag) -}}
{{- with .image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "bandit-operator.image" -}}
{{- include "bandit-operator.reference" (dict "image" .Values.image "version" .Chart.AppVersion) -}}
{{- end -}}

{{/* The Pods of the collector and of the shadow server are none of the operator's: no Service, budget or policy of
the one may select the other. Of root and part. */}}
{{- define "bandit-operator.part.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bandit-operator.name" .root | trunc 53 | trimSuffix "-" }}-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{- define "bandit-operator.part.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "bandit-operator.part.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "bandit-operator.part.fullname" -}}
{{- include "bandit-operator.fullname" .root | trunc 53 | trimSuffix "-" }}-{{ .part }}
{{- end -}}

{{- define "bandit-operator.scrapeAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "8080"
prometheus.io/path: /metrics
{{- end -}}

{{/* Labels or annotations that a value adds to ours: of the value's name, ours, theirs, and what to do instead where
one of them is ours already. Written twice, it would be for whoever reads the manifest to choose. */}}
{{- define "bandit-operator.added" -}}
{{- $ours := fromYaml .ours }}
{{- range $key, $value := .theirs }}
{{- if hasKey $ours $key }}
{{- fail (printf "%s: %s is set to %v, and the chart sets it to %v; %s" $.value $key $value (get $ours $key) $.fix) }}
{{- end }}
{{- end }}
{{- toYaml .theirs }}
{{- end -}}

{{/* Our labels, and those that a value adds: of root, the value's name, and the labels; and of a part, where it is
the object of one. */}}
{{- define "bandit-operator.labelled" -}}
{{- $ours := include "bandit-operator.labels" .root }}
{{- if .part }}
{{- $ours = include "bandit-operator.part.labels" . }}
{{- end }}
{{- $ours }}
{{- with .theirs }}
{{ include "bandit-operator.added" (dict "value" $.value "ours" $ours "theirs" . "fix" "leave it out") }}
{{- end }}
{{- end -}}

{{/* Metadata of a ServiceMonitor or PodMonitor, and what it selects: of root, the values' name below metrics, and the
part that it scrapes, where that is not the operator. */}}
{{- define "bandit-operator.monitorHead" -}}
{{- $monitor := get .root.Values.metrics .monitor }}
metadata:
  {{- if .part }}
  name: {{ include "bandit-operator.part.fullname" . }}
  {{- else }}
  name: {{ include "bandit-operator.fullname" .root | quote }}
  {{- end }}
  namespace: {{ default .root.Release.Namespace $monitor.namespace | quote }}
  labels:
    {{- $value := printf "metrics.%s.labels" .monitor }}
    {{- include "bandit-operator.labelled" (merge (dict "value" $value "theirs" $monitor.labels) .) | nindent 4 }}
spec:
  {{- if and $monitor.namespace (ne $monitor.namespace .root.Release.Namespace) }}
  namespaceSelector:
    matchNames: [{{ .root.Release.Namespace | quote }}]
  {{- end }}
  selector:
    matchLabels:
      {{- if .part }}
      {{- include "bandit-operator.part.selectorLabels" . | nindent 6 }}
      {{- else }}
      {{- include "bandit-operator.selectorLabels" .root | nindent 6 }}
      {{- end }}
{{- end -}}

{{/* What either of them scrapes, of its values. */}}
{{- define "bandit-operator.monitorEndpoint" -}}
- port: http
  path: /metrics
  interval: {{ .interval }}
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* What the operator may do where its resources are: in all namespaces, or in those it watches. */}}
{{- define "bandit-operator.rules" -}}
- apiGroups: [bandit-operator.dev]
  resources: [banditdeployments]
  verbs: [list, watch]
- apiGroups: [bandit-operator.dev]
  resources: [banditdeployments/status]
  verbs: [patch]
# Weights are patched. What a watch has not shown is read once more before it is called missing.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes]
  verbs: [get, list, watch, patch]
# Made where a resource has spec.traffic.routeTemplate; a right to create cannot be narrowed to a name.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [create]
# Whether a gateway carries what it has accepted.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways]
  verbs: [get, list, watch]
# Whether an arm can serve: its Service is there, and has ready endpoints.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- range .Values.scalables }}
# Replicas and Pod templates are watched, and only the scale is written.
- apiGroups: [{{ .group | quote }}]
  resources: [{{ range $i, $resource := .resources }}{{ if $i }}, {{ end }}{{ $resource | quote }}{{ end }}]
  verbs: [get, list, watch]
- apiGroups: [{{ .group | quote }}]
  resources: [{{ range $i, $resource := .resources }}{{ if $i }}, {{ end }}{{ $resource }}/scale{{ end }}]
  verbs: [get, patch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "bandit-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "bandit-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
