{{/* Values that cannot work together, each refused with a sentence that says why: by section in validate/. */}}

{{- define "whatchat.validate" -}}
{{- include "whatchat.validate.config" . }}
{{- include "whatchat.validate.secrets" . }}
{{- include "whatchat.validate.mongodb" . }}
{{- include "whatchat.validate.redis" . }}
{{- include "whatchat.validate.server" . }}
{{- include "whatchat.validate.worker" . }}
{{- include "whatchat.validate.service" . }}
{{- include "whatchat.validate.ingress" . }}
{{- include "whatchat.validate.httpRoute" . }}
{{- include "whatchat.validate.autoscaling" . }}
{{- include "whatchat.validate.networkPolicy" . }}
{{- include "whatchat.validate.monitoring" . }}
{{- end }}
