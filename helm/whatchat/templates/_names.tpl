{{/* What things are called: names, labels, the image. */}}

{{- define "whatchat.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* The release's name if the chart's is in it, else both; short enough for
"-dashboards-rollouts" and the like, and for the 52 characters that a StatefulSet may have. */}}
{{- define "whatchat.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "whatchat.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "whatchat.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What an object is selected by: dict "root" $ "component" "server"|"worker"|"mongodb"|"redis"|"test". */}}
{{- define "whatchat.selectorLabels" -}}
app.kubernetes.io/name: {{ if has .component (list "mongodb" "redis") }}{{ .component }}{{ else }}{{ include "whatchat.name" .root }}{{ end }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* All labels of an object: the same dict; without "component", of the whole. */}}
{{- define "whatchat.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- if .component }}
{{ include "whatchat.selectorLabels" . }}
{{- else }}
app.kubernetes.io/name: {{ include "whatchat.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}
app.kubernetes.io/part-of: whatchat
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An object's metadata: dict "root" $ "name" "whatchat-worker" "component" "worker" "annotations" (dict). */}}
{{- define "whatchat.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "whatchat.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "whatchat.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The image of a trial store: .Values.mongodb.image or .Values.redis.image. */}}
{{- define "whatchat.trialImage" -}}
{{- if .digest }}{{ printf "%s@%s" .repository .digest }}{{ else }}{{ printf "%s:%s" .repository .tag }}{{ end }}
{{- end }}
