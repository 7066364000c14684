{{/* What pods are told, in public and in secret. */}}

{{- define "whatchat.validate.config" -}}
{{- $config := .Values.config }}
{{- $oidc := $config.oidc }}
{{- if and (eq $config.env "production") (has "*" $config.corsOrigins) }}
{{- fail "config.corsOrigins: production does not accept *, by which every page could use a visitor's chat" }}
{{- end }}
{{- if and $oidc.issuer (not $oidc.audience) }}
{{- fail "config.oidc.audience: needed with config.oidc.issuer, whose tokens for anything else would be taken as well" }}
{{- end }}
{{- if and (not $oidc.issuer) (or $oidc.audience $oidc.jwksUrl $oidc.algorithms) }}
{{- fail "config.oidc.issuer: without it the rest of config.oidc says nothing" }}
{{- end }}
{{- range tuple $oidc.issuer $oidc.jwksUrl }}
{{- if hasPrefix "http://" . }}
{{- fail "config.oidc: the issuer's keys must come by https://, or whoever is on the way could put theirs in place" }}
{{- end }}
{{- end }}
{{- if $config.audit.headsFile }}
{{- $file := $config.audit.headsFile }}
{{- $within := false }}
{{- range .Values.server.extraVolumeMounts }}
{{- $within = or $within (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $file) }}
{{- end }}
{{- if not $within }}
{{- fail "config.audit.headsFile: it must be on a volume of server.extraVolumeMounts, as a pod's own files cannot be written" }}
{{- end }}
{{- end }}
{{- $byProxy := or .Values.ingress.enabled .Values.httpRoute.enabled }}
{{- if and $byProxy (eq (include "whatchat.trustedProxies" .) "") }}
{{- fail "config.trustedProxies: behind an ingress it must name the controller's networks, or all clients count as one address and share its limits" }}
{{- end }}
{{- if and .Values.secrets.otlpHeaders (not $config.tracing.endpoint) }}
{{- fail "config.tracing.endpoint: without it secrets.otlpHeaders are sent to nobody" }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.secrets" -}}
{{- $secrets := .Values.secrets }}
{{- if and $secrets.existingSecret (or $secrets.jwtSecret $secrets.jwtPreviousSecrets $secrets.adminToken $secrets.adminReadToken $secrets.otlpHeaders) }}
{{- fail "secrets.existingSecret: it holds every secret, so that none may be given beside it" }}
{{- end }}
{{- if and $secrets.jwtKeysSecret $secrets.jwtSecret }}
{{- fail "secrets.jwtKeysSecret: tokens are signed by these keys or by secrets.jwtSecret, not by both" }}
{{- end }}
{{- if and $secrets.adminToken (eq $secrets.adminToken $secrets.adminReadToken) }}
{{- fail "secrets.adminReadToken: it must differ from secrets.adminToken, or whoever may look may change" }}
{{- end }}
{{- end }}
