{{/* Scraping and alerts. */}}

{{- define "whatchat.validate.monitoring" -}}
{{- $monitoring := .Values.monitoring }}
{{- if gt (trimSuffix "s" $monitoring.scrapeTimeout | int64) (trimSuffix "s" $monitoring.interval | int64) }}
{{- fail "monitoring.scrapeTimeout: it is longer than monitoring.interval, which Prometheus refuses" }}
{{- end }}
{{- if $monitoring.rules.disabled }}
{{- $alerts := include "whatchat.alerts" . | fromJsonArray }}
{{- range $monitoring.rules.disabled }}
{{- if not (has . $alerts) }}
{{- fail (printf "monitoring.rules.disabled: there is no alert %s" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
