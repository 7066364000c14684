{{/* What Prometheus and Grafana are told. */}}

{{/* One way to scrape: pods and workers by their internal port, under a job that rules know. */}}
{{- define "whatchat.endpoint" -}}
{{- $monitoring := .Values.monitoring -}}
- port: internal
  path: /metrics
  interval: {{ $monitoring.interval }}
  scrapeTimeout: {{ $monitoring.scrapeTimeout }}
  honorLabels: false
  relabelings:
    - targetLabel: job
      action: replace
      replacement: {{ include "whatchat.watchedName" . }}
    {{- with $monitoring.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $monitoring.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The metadata of a monitor: the labels that a Prometheus selects monitors by are added. */}}
{{- define "whatchat.monitorMetadata" -}}
{{- $metadata := include "whatchat.metadata" (dict "root" . "name" (include "whatchat.fullname" .)) | fromYaml }}
{{- $labels := merge (dict) .Values.monitoring.labels $metadata.labels }}
{{- toYaml (set $metadata "labels" $labels) }}
{{- end }}

{{/*
The groups of dashboards/rules, as YAML: without the alerts that are switched off, with the labels
that are added, and with runbooks where they can be read.
*/}}
{{- define "whatchat.ruleGroups" -}}
{{- $values := .Values.monitoring.rules }}
{{- range $path, $_ := .Files.Glob "dashboards/rules/*.yaml" }}
{{- range $group := ($.Files.Get $path | fromYaml).groups }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- if not (and $rule.alert (has $rule.alert $values.disabled)) }}
{{- if $rule.alert }}
{{- $_ := set $rule "labels" (merge (dict) $values.alertLabels $rule.labels) }}
{{- with $values.runbookBase }}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" .) $rule.annotations.runbook_url) }}
{{- end }}
{{- end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}
{{ toYaml (list (set $group "rules" $rules)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The names of all alerts, as a JSON list. */}}
{{- define "whatchat.alerts" -}}
{{- $names := list }}
{{- range $path, $_ := .Files.Glob "dashboards/rules/*.yaml" }}
{{- range ($.Files.Get $path | fromYaml).groups }}
{{- range .rules }}
{{- with .alert }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq $names | toJson }}
{{- end }}
