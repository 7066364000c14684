{{/* What the trial node is called, for ever: a replica set's member may not change its name. */}}
{{- define "whatchat.mongodbHost" -}}
{{- $name := printf "%s-mongodb" (include "whatchat.fullname" .) -}}
{{ $name }}-0.{{ $name }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:27017
{{- end }}
