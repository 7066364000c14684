{{/* What pods of ours have in common. "part" is .Values.server or .Values.worker. */}}

{{- define "whatchat.podAnnotations" -}}
{{- /* A change of the configuration is a new pod. */ -}}
checksum/config: {{ include "whatchat.variables" .root | sha256sum | trunc 16 }}
{{- with include "whatchat.givenSecrets" .root }}
checksum/secrets: {{ . }}
{{- end }}
{{- with .root.Values.config.anomalyRules }}
checksum/anomalies: {{ sha256sum . | trunc 16 }}
{{- end }}
{{- with merge (dict) .part.podAnnotations .root.Values.commonAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Not the chart's version: another version of it alone is no reason for new pods. */}}
{{- define "whatchat.podLabels" -}}
{{ include "whatchat.selectorLabels" . }}
app.kubernetes.io/part-of: whatchat
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- with merge (dict) .part.podLabels .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A pod by the restricted standard. */}}
{{- define "whatchat.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .id }}
runAsGroup: {{ .id }}
fsGroup: {{ .id }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "whatchat.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "whatchat.environment" -}}
env:
  {{- include "whatchat.secretVariables" .root | nindent 2 }}
  {{- if and (eq .component "server") .root.Values.config.audit.headsFile }}
  - name: WHATCHAT_AUDIT_HEADS_FILE
    value: {{ .root.Values.config.audit.headsFile | quote }}
  {{- end }}
  {{- with .part.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
envFrom:
  - configMapRef:
      name: {{ include "whatchat.fullname" .root }}
  {{- with .part.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "whatchat.mounts" -}}
{{- $mounts := list -}}
{{- if .root.Values.secrets.jwtKeysSecret -}}
{{- $mounts = append $mounts (dict "name" "jwt-keys" "mountPath" "/etc/whatchat/keys" "readOnly" true) -}}
{{- end -}}
{{- if .root.Values.secrets.auditKeySecret -}}
{{- $mounts = append $mounts (dict "name" "audit-key" "mountPath" "/etc/whatchat/audit" "readOnly" true) -}}
{{- end -}}
{{- if .root.Values.config.anomalyRules -}}
{{- $mounts = append $mounts (dict "name" "anomalies" "mountPath" "/etc/whatchat/anomalies" "readOnly" true) -}}
{{- end -}}
{{- with concat $mounts .part.extraVolumeMounts -}}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "whatchat.volumes" -}}
{{- $volumes := list -}}
{{- with .root.Values.secrets.jwtKeysSecret -}}
{{- $volumes = append $volumes (dict "name" "jwt-keys" "secret" (dict "secretName" . "defaultMode" 288)) -}}
{{- end -}}
{{- with .root.Values.secrets.auditKeySecret -}}
{{- $volumes = append $volumes (dict "name" "audit-key" "secret" (dict "secretName" . "defaultMode" 288)) -}}
{{- end -}}
{{- if .root.Values.config.anomalyRules -}}
{{- $name := printf "%s-anomalies" (include "whatchat.fullname" .root) -}}
{{- $volumes = append $volumes (dict "name" "anomalies" "configMap" (dict "name" $name)) -}}
{{- end -}}
{{- if .root.Values.mongodb.enabled -}}
{{- $name := printf "%s-mongodb" (include "whatchat.fullname" .root) -}}
{{- $volumes = append $volumes (dict "name" "initiate" "configMap" (dict "name" $name)) -}}
{{- end -}}
{{- with concat $volumes .part.extraVolumes -}}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Tables and indexes, before the pod begins: safe to repeat, one at a time by a lease. */}}
{{- define "whatchat.initContainers" -}}
{{- $root := .root -}}
initContainers:
  {{- if $root.Values.mongodb.enabled }}
  - name: initiate
    image: {{ include "whatchat.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [python, /etc/whatchat/mongodb/initiate.py]
    args: [{{ include "whatchat.mongodbHost" $root | quote }}]
    env:
      {{- include "whatchat.storeVariable" $root | nindent 6 }}
    resources:
      {{- toYaml $root.Values.server.migrate.resources | nindent 6 }}
    securityContext:
      {{- include "whatchat.containerSecurity" $root | nindent 6 }}
    volumeMounts:
      - name: initiate
        mountPath: /etc/whatchat/mongodb
        readOnly: true
  {{- end }}
  - name: migrate
    image: {{ include "whatchat.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: [migrate, --wait, {{ int64 $root.Values.server.migrate.waitSeconds | quote }}]
    {{- include "whatchat.environment" . | nindent 4 }}
    resources:
      {{- toYaml $root.Values.server.migrate.resources | nindent 6 }}
    securityContext:
      {{- include "whatchat.containerSecurity" $root | nindent 6 }}
    {{- with include "whatchat.mounts" . }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with .part.extraInitContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* One address for each question, so that none is asked too much. */}}
{{- define "whatchat.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: internal}
  {{- toYaml .part.startupProbe | nindent 2 }}
livenessProbe:
  httpGet: {path: /livez, port: internal}
  {{- toYaml .part.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: internal}
  {{- toYaml .part.readinessProbe | nindent 2 }}
{{- end }}

{{- define "whatchat.scheduling" -}}
topologySpreadConstraints:
  {{- if .part.topologySpreadConstraints }}
  {{- toYaml .part.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- $selector := . }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "whatchat.selectorLabels" $selector | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "dnsConfig" }}
{{- with get $.part $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the template of a pod begins with: "id" is its user and group. */}}
{{- define "whatchat.podBasics" -}}
serviceAccountName: {{ include "whatchat.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "whatchat.podSecurity" . | nindent 2 }}
{{- end }}

{{- define "whatchat.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "whatchat.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}
