{{/* Whether the Service itself keeps clients on their pod. */}}
{{- define "whatchat.sessionAffinity" -}}
{{- .Values.service.sessionAffinity | default (ternary "None" "ClientIP" (eq .Values.service.type "ClusterIP")) }}
{{- end }}
