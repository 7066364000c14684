{{/* How many pods there are, and how quickly that changes. */}}

{{/*
A name with "whatchat" in it: alerts and dashboards go by it, for autoscalers and for Prometheus' jobs.
*/}}
{{- define "whatchat.watchedName" -}}
{{- $name := include "whatchat.fullname" . }}
{{- if contains "whatchat" $name }}{{ $name }}{{ else }}{{ printf "whatchat-%s" $name }}{{ end }}
{{- end }}

{{/* Up in steps that a storm of reconnects cannot double the pods by; down one pod at a time. */}}
{{- define "whatchat.scalingBehavior" -}}
{{- $up := .Values.autoscaling.scaleUp }}
{{- $down := .Values.autoscaling.scaleDown -}}
scaleUp:
  stabilizationWindowSeconds: {{ int64 $up.stabilizationSeconds }}
  selectPolicy: Max
  policies:
    - type: Pods
      value: {{ int64 $up.pods }}
      periodSeconds: {{ int64 $up.periodSeconds }}
    - type: Percent
      value: {{ int64 $up.percent }}
      periodSeconds: {{ int64 $up.periodSeconds }}
scaleDown:
  stabilizationWindowSeconds: {{ int64 $down.stabilizationSeconds }}
  selectPolicy: Min
  policies:
    - type: Pods
      value: {{ int64 $down.pods }}
      periodSeconds: {{ int64 $down.periodSeconds }}
{{- end }}

{{/* The sockets of all of this release's pods, as KEDA asks Prometheus for them. */}}
{{- define "whatchat.socketsQuery" -}}
{{- with .Values.autoscaling.keda.query }}
{{- . }}
{{- else }}
{{- printf `sum(whatchat_connected_sockets{namespace="%s", pod=~"%s-[a-z0-9]+(-[a-z0-9]+)?"})` .Release.Namespace (include "whatchat.fullname" .) }}
{{- end }}
{{- end }}
