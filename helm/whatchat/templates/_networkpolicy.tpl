{{/* Who may speak with whom. Ports are those of pods: a policy is asked behind a Service. */}}

{{/* One rule: dict "side" "from"|"to" "peers" (none: anybody) "ports" "protocols". */}}
{{- define "whatchat.flow" -}}
- ports:
    {{- $protocols := .protocols | default (list "TCP") }}
    {{- range $port := .ports }}
    {{- range $protocols }}
    - protocol: {{ . }}
      port: {{ int64 $port }}
    {{- end }}
    {{- end }}
  {{- with .peers }}
  {{ $.side }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The pods of a component of this release; of all that is Whatchat without one. */}}
{{- define "whatchat.peer" -}}
podSelector:
  matchLabels:
    {{- if .component }}
    {{- include "whatchat.selectorLabels" . | nindent 4 }}
    {{- else }}
    app.kubernetes.io/name: {{ include "whatchat.name" .root }}
    app.kubernetes.io/instance: {{ .root.Release.Name }}
    {{- end }}
{{- end }}

{{- define "whatchat.toNames" -}}
{{- $policy := .Values.networkPolicy }}
{{- include "whatchat.flow" (dict "side" "to" "peers" $policy.dnsTo "ports" $policy.dnsPorts "protocols" (list "UDP" "TCP")) }}
{{- end }}

{{/* The ports that a URL of one or more hosts names, and the usual one, as a JSON list. */}}
{{- define "whatchat.storePorts" -}}
{{- $ports := list (int64 .usual) }}
{{- $hosts := regexReplaceAll "^[a-z0-9+]+://([^/]*@)?" .url "" | splitList "/" | first }}
{{- range splitList "," $hosts }}
{{- with regexFind ":[0-9]+$" . }}
{{- $ports = append $ports (trimPrefix ":" . | int64) }}
{{- end }}
{{- end }}
{{- uniq $ports | toJson }}
{{- end }}

{{- define "whatchat.webPort" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}

{{/* What pods and workers reach: names, the stores, the collector; "oidc" adds the issuer. */}}
{{- define "whatchat.egress" -}}
{{- $policy := .root.Values.networkPolicy }}
{{- $config := .root.Values.config }}
{{- include "whatchat.toNames" .root }}
{{- range $store := list (dict "name" "mongodb" "usual" 27017 "to" $policy.storeTo "ports" $policy.storePorts) (dict "name" "redis" "usual" 6379 "to" $policy.redisTo "ports" $policy.redisPorts) }}
{{- $values := index $.root.Values $store.name }}
{{- $ports := $store.ports }}
{{- $peers := $store.to }}
{{- if $values.enabled }}
{{- $ports = list $store.usual }}
{{- $peers = list (include "whatchat.peer" (dict "root" $.root "component" $store.name) | fromYaml) }}
{{- else if not $ports }}
{{- $ports = include "whatchat.storePorts" (dict "url" ($values.url | default "") "usual" $store.usual) | fromJsonArray }}
{{- end }}
{{ include "whatchat.flow" (dict "side" "to" "peers" $peers "ports" $ports) }}
{{- end }}
{{- with $config.tracing.endpoint }}
{{ include "whatchat.flow" (dict "side" "to" "peers" $policy.otlpTo "ports" (list (include "whatchat.webPort" .))) }}
{{- end }}
{{- if and .oidc $config.oidc.issuer }}
{{- $ports := list (include "whatchat.webPort" $config.oidc.issuer) }}
{{- with $config.oidc.jwksUrl }}
{{- $ports = append $ports (include "whatchat.webPort" .) | uniq }}
{{- end }}
{{ include "whatchat.flow" (dict "side" "to" "peers" $policy.oidcTo "ports" $ports) }}
{{- end }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Who reaches the internal port: those who watch, and what is ours. */}}
{{- define "whatchat.internalIngress" -}}
{{- $ours := include "whatchat.peer" (dict "root" .) | fromYaml }}
{{- include "whatchat.flow" (dict "side" "from" "peers" (append .Values.networkPolicy.metricsFrom $ours) "ports" (list (include "whatchat.internalPort" .))) }}
{{- end }}
