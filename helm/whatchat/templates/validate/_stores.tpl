{{/* Stores of yours, or those for trying out. */}}

{{- define "whatchat.validate.mongodb" -}}
{{- $mongodb := .Values.mongodb }}
{{- if and $mongodb.enabled $mongodb.url }}
{{- fail "mongodb.url: the trial node is in its place; set mongodb.enabled to false to use yours" }}
{{- end }}
{{- if and (not $mongodb.enabled) (not $mongodb.url) (not .Values.secrets.existingSecret) }}
{{- fail "mongodb.url: pods keep nothing themselves, so that they need it where mongodb.enabled is false, or store-url in secrets.existingSecret" }}
{{- end }}
{{- if and $mongodb.url .Values.secrets.existingSecret }}
{{- fail "mongodb.url: secrets.existingSecret holds it, as store-url" }}
{{- end }}
{{- if and $mongodb.url (not (regexMatch "^mongodb(\\+srv)?://" $mongodb.url)) }}
{{- fail "mongodb.url: it must be mongodb://… or mongodb+srv://…; the embedded store is of one process, and its file would go with the pod" }}
{{- end }}
{{- if and $mongodb.existingSecret (not $mongodb.enabled) }}
{{- fail "mongodb.existingSecret: it is of the trial node, which mongodb.enabled leaves out; give store-url in secrets.existingSecret" }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.redis" -}}
{{- $redis := .Values.redis }}
{{- if and $redis.enabled $redis.url }}
{{- fail "redis.url: the trial node is in its place; set redis.enabled to false to use yours" }}
{{- end }}
{{- if and (not $redis.enabled) (not $redis.url) (not .Values.secrets.existingSecret) }}
{{- fail "redis.url: pods reach each other and workers by it, so that they need it where redis.enabled is false, or redis-url in secrets.existingSecret" }}
{{- end }}
{{- if and $redis.url .Values.secrets.existingSecret }}
{{- fail "redis.url: secrets.existingSecret holds it, as redis-url" }}
{{- end }}
{{- if and $redis.url (not (regexMatch "^(redis|rediss|redis\\+sentinel|redis\\+cluster)://" $redis.url)) }}
{{- fail "redis.url: it must be redis://…, rediss://…, redis+sentinel://… or redis+cluster://…, which tell how Redis is run" }}
{{- end }}
{{- if and $redis.existingSecret (not $redis.enabled) }}
{{- fail "redis.existingSecret: it is of the trial node, which redis.enabled leaves out; give redis-url in secrets.existingSecret" }}
{{- end }}
{{- end }}
