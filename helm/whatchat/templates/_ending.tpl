{{/* How long a pod may take to end: the sums of src/whatchat/entrypoints/ending.py and worker.py. */}}

{{/* Of a pod: preStop, what `longest_end` says of the drain, and a margin for the kubelet. */}}
{{- define "whatchat.serverEnd" -}}
{{- add .Values.server.preStopSeconds .Values.config.drainSeconds 53 5 }}
{{- end }}

{{- define "whatchat.serverGrace" -}}
{{- include "whatchat.grace" (dict "part" .Values.server "least" (include "whatchat.serverEnd" .)) }}
{{- end }}

{{/* Of a worker: to finish what is in hand and let go of everything, and the same margin. */}}
{{- define "whatchat.workerEnd" -}}
{{- add 34 5 }}
{{- end }}

{{- define "whatchat.workerGrace" -}}
{{- include "whatchat.grace" (dict "part" .Values.worker "least" (include "whatchat.workerEnd" .)) }}
{{- end }}

{{- define "whatchat.grace" -}}
{{- if kindIs "invalid" .part.terminationGracePeriodSeconds }}{{ .least }}{{ else }}
{{- int64 .part.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}
