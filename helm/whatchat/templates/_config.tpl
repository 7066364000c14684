{{/* The configuration as variables, and where the secret part of it is. */}}

{{/* What is not secret, as WHATCHAT_ variables. Empty means not set. */}}
{{- define "whatchat.variables" -}}
{{- $config := .Values.config -}}
WHATCHAT_ENV: {{ $config.env | quote }}
WHATCHAT_INTERNAL_PORT: {{ include "whatchat.internalPort" . | quote }}
WHATCHAT_CORS_ORIGINS: {{ join "," $config.corsOrigins | quote }}
WHATCHAT_TRUSTED_PROXIES: {{ include "whatchat.trustedProxies" . | quote }}
WHATCHAT_PING_INTERVAL_MS: {{ int64 $config.pingIntervalMs | quote }}
WHATCHAT_PING_TIMEOUT_MS: {{ int64 $config.pingTimeoutMs | quote }}
WHATCHAT_MAX_PAYLOAD_BYTES: {{ int64 $config.maxPayloadBytes | quote }}
WHATCHAT_DRAIN_SECONDS: {{ int64 $config.drainSeconds | quote }}
WHATCHAT_RATE_LIMITS: {{ ternary "on" "off" $config.rateLimits | quote }}
WHATCHAT_CONNECTIONS_PER_ADDRESS: {{ int64 $config.connectionsPerAddress | quote }}
WHATCHAT_HANDSHAKES_PER_SECOND: {{ int64 $config.handshakesPerSecond | quote }}
WHATCHAT_CONNECTIONS_PER_USER: {{ int64 $config.connectionsPerUser | quote }}
WHATCHAT_REBALANCE: {{ ternary "on" "off" $config.rebalance | quote }}
WHATCHAT_REBALANCE_PER_MINUTE: {{ int64 $config.rebalancePerMinute | quote }}
WHATCHAT_AFFINITY_COOKIE: {{ include "whatchat.affinityCookie" . | quote }}
WHATCHAT_OIDC_ISSUER: {{ $config.oidc.issuer | quote }}
WHATCHAT_OIDC_AUDIENCE: {{ $config.oidc.audience | quote }}
WHATCHAT_OIDC_JWKS_URL: {{ $config.oidc.jwksUrl | quote }}
WHATCHAT_OIDC_ALGORITHMS: {{ join "," $config.oidc.algorithms | quote }}
WHATCHAT_AUDIT_HEAD_SECONDS: {{ int64 $config.audit.headSeconds | quote }}
WHATCHAT_OTLP_ENDPOINT: {{ $config.tracing.endpoint | quote }}
WHATCHAT_TRACE_RATIO: {{ $config.tracing.ratio | quote }}
{{- if .Values.secrets.jwtKeysSecret }}
WHATCHAT_JWT_KEYS_DIR: /etc/whatchat/keys
{{- end }}
{{- if .Values.secrets.auditKeySecret }}
WHATCHAT_AUDIT_KEY_FILE: /etc/whatchat/audit/key.pem
{{- end }}
{{- if $config.anomalyRules }}
WHATCHAT_ANOMALY_RULES: /etc/whatchat/anomalies/rules.toml
{{- end }}
{{- end }}

{{/* Private networks where only an ingress and the cluster can reach pods. Not where the world
does: a node that forwards its packets would be believed whatever they say. */}}
{{- define "whatchat.trustedProxies" -}}
{{- if kindIs "slice" .Values.config.trustedProxies -}}
{{- join "," .Values.config.trustedProxies }}
{{- else if eq .Values.service.type "ClusterIP" -}}
10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7
{{- end }}
{{- end }}

{{/* The cookie that the ingress or the Gateway sets. */}}
{{- define "whatchat.affinityCookie" -}}
{{- $persistence := .Values.httpRoute.sessionPersistence -}}
{{- if .Values.config.affinityCookie -}}
{{- .Values.config.affinityCookie }}
{{- else if and .Values.ingress.enabled (ne .Values.ingress.preset "custom") -}}
{{- .Values.ingress.cookie.name }}
{{- else if and .Values.httpRoute.enabled $persistence.enabled (eq $persistence.type "Cookie") -}}
{{- $persistence.sessionName }}
{{- end }}
{{- end }}

{{- define "whatchat.internalPort" -}}9000{{- end }}

{{- define "whatchat.secretName" -}}
{{- .Values.secrets.existingSecret | default (include "whatchat.fullname" .) }}
{{- end }}

{{- define "whatchat.mongodbSecretName" -}}
{{- .Values.mongodb.existingSecret | default (printf "%s-mongodb" (include "whatchat.fullname" .)) }}
{{- end }}

{{- define "whatchat.redisSecretName" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "whatchat.fullname" .)) }}
{{- end }}

{{/* A Secret's data, of a dict. Not as stringData: what is taken from that stays in the cluster. */}}
{{- define "whatchat.data" }}
{{- $encoded := dict }}
{{- range $key, $value := . }}
{{- if $value }}
{{- $_ := set $encoded $key (b64enc $value) }}
{{- end }}
{{- end }}
data:
  {{- toYaml $encoded | nindent 2 }}
{{- end }}

{{/* What a Secret already holds under a key, else what is given: "root" $ "name" … "key" … "else" … */}}
{{- define "whatchat.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .name -}}
{{- $held := dig "data" .key "" ($found | default dict) -}}
{{- if $held }}{{ b64dec $held }}{{ else }}{{ .else }}{{ end -}}
{{- end }}

{{- define "whatchat.storeVariable" -}}
{{- $ours := include "whatchat.secretName" . -}}
{{- $store := ternary (include "whatchat.mongodbSecretName" .) $ours .Values.mongodb.enabled -}}
- name: WHATCHAT_STORE_URL
  valueFrom:
    secretKeyRef: {name: {{ $store }}, key: {{ ternary "url" "store-url" .Values.mongodb.enabled }}}
{{- end }}

{{/* The tokens' secret: as given, as kept, or made up, once for all templates. */}}
{{- define "whatchat.jwtSecret" -}}
{{- if not .Values.secrets.jwtSecret -}}
{{- if not .Values.keptJwtSecret -}}
{{- $_ := set .Values "keptJwtSecret" (include "whatchat.kept" (dict "root" . "name" (include "whatchat.secretName" .) "key" "jwt-secret" "else" (randAlphaNum 64))) -}}
{{- end -}}
{{- end -}}
{{- .Values.secrets.jwtSecret | default .Values.keptJwtSecret }}
{{- end }}

{{/* A digest of what was given, not made up, so that another value makes new pods. Whoever may look
at pods may not read Secrets: only who knows the tokens' secret can try words against it. */}}
{{- define "whatchat.givenSecrets" -}}
{{- $secrets := .Values.secrets -}}
{{- if not (or $secrets.existingSecret $secrets.jwtKeysSecret) -}}
{{- $given := list $secrets.jwtSecret $secrets.jwtPreviousSecrets $secrets.adminToken $secrets.adminReadToken $secrets.otlpHeaders .Values.mongodb.url .Values.redis.url -}}
{{- if without $given "" (list) -}}
{{- list (include "whatchat.jwtSecret" .) $given | toJson | sha256sum | trunc 16 }}
{{- end }}
{{- end }}
{{- end }}

{{/* The secret part, one variable for each key: of the trial stores from their own Secrets. */}}
{{- define "whatchat.secretVariables" -}}
{{- $ours := include "whatchat.secretName" . -}}
{{- $redis := ternary (include "whatchat.redisSecretName" .) $ours .Values.redis.enabled -}}
{{ include "whatchat.storeVariable" . }}
- name: WHATCHAT_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ $redis }}, key: {{ ternary "url" "redis-url" .Values.redis.enabled }}}
{{- if not .Values.secrets.jwtKeysSecret }}
- name: WHATCHAT_JWT_SECRET
  valueFrom:
    secretKeyRef: {name: {{ $ours }}, key: jwt-secret}
{{- end }}
{{- range list "jwt-previous-secrets" "admin-token" "admin-read-token" "otlp-headers" }}
- name: WHATCHAT_{{ . | upper | replace "-" "_" }}
  valueFrom:
    secretKeyRef: {name: {{ $ours }}, key: {{ . }}, optional: true}
{{- end }}
{{- end }}
