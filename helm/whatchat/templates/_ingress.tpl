{{/* What an ingress controller must be told so that clients stay on their pod, each setting on the
object that the controller reads it from. */}}

{{/* Whether the sticky cookie may go over TLS alone. */}}
{{- define "whatchat.ingress.secure" -}}
{{- $secure := .Values.ingress.cookie.secure -}}
{{- if or (eq (toString $secure) "true") (and (kindIs "invalid" $secure) .Values.ingress.tls) }}true{{ end -}}
{{- end }}

{{/* The largest body in KiB: of a packet or a request, and never less than nginx' own default. */}}
{{- define "whatchat.ingress.bodyKilobytes" -}}
{{- max 1024 (ceil (divf .Values.config.maxPayloadBytes 1024)) | int64 -}}
{{- end }}

{{/* Annotations of the Ingress, as YAML. */}}
{{- define "whatchat.ingress.annotations" -}}
{{- $preset := .Values.ingress.preset -}}
{{- if eq $preset "nginx" }}{{ include "whatchat.ingress.nginx" . }}
{{- else if eq $preset "ingress-nginx" }}{{ include "whatchat.ingress.ingressNginx" . }}
{{- end }}
{{- end }}

{{/* Annotations of the public Service, as YAML. */}}
{{- define "whatchat.ingress.serviceAnnotations" -}}
{{- $preset := .Values.ingress.preset -}}
{{- if .Values.ingress.enabled }}
{{- if eq $preset "traefik" }}{{ include "whatchat.ingress.traefikService" . }}
{{- else if eq $preset "haproxy" }}{{ include "whatchat.ingress.haproxyService" . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Traefik reads stickiness from the Service, and has timeouts at its entry points alone. It keeps
clients on a pod that is ending; what such a pod refuses it does not take to another. */}}
{{- define "whatchat.ingress.traefikService" -}}
{{- $cookie := .Values.ingress.cookie -}}
traefik.ingress.kubernetes.io/service.sticky.cookie: "true"
traefik.ingress.kubernetes.io/service.sticky.cookie.name: {{ $cookie.name | quote }}
traefik.ingress.kubernetes.io/service.sticky.cookie.httponly: "true"
traefik.ingress.kubernetes.io/service.sticky.cookie.samesite: {{ lower $cookie.sameSite | quote }}
traefik.ingress.kubernetes.io/service.sticky.cookie.secure: {{ eq (include "whatchat.ingress.secure" .) "true" | quote }}
{{- end }}

{{/* F5's controller for NGINX reads the Ingress alone. One pod's 503, meant for newcomers, must not
take it from those who are on it: max-fails is 0. */}}
{{- define "whatchat.ingress.nginx" -}}
{{- $cookie := .Values.ingress.cookie -}}
{{- $service := include "whatchat.fullname" . -}}
nginx.org/websocket-services: {{ $service | quote }}
nginx.org/sticky-cookie-services: {{ printf "serviceName=%s %s expires=%ds path=/ httponly samesite=%s%s" $service $cookie.name (int64 $cookie.idleSeconds) (lower $cookie.sameSite) (ternary " secure" "" (eq (include "whatchat.ingress.secure" .) "true")) | quote }}
nginx.org/lb-method: least_conn
nginx.org/max-fails: "0"
nginx.org/proxy-connect-timeout: {{ printf "%ds" (int64 .Values.ingress.timeouts.connectSeconds) | quote }}
nginx.org/proxy-read-timeout: {{ printf "%ds" (int64 .Values.ingress.timeouts.idleSeconds) | quote }}
nginx.org/proxy-send-timeout: {{ printf "%ds" (int64 .Values.ingress.timeouts.idleSeconds) | quote }}
nginx.org/proxy-buffering: "false"
nginx.org/client-max-body-size: {{ printf "%sk" (include "whatchat.ingress.bodyKilobytes" .) | quote }}
nginx.org/proxy-next-upstream: error timeout http_503
nginx.org/proxy-next-upstream-tries: "3"
nginx.org/proxy-next-upstream-timeout: 10s
{{- end }}

{{/* The community's controller, retired, reads the Ingress alone. Its cookie names a pod until that is
gone (persistent); after a refusal the cookie must change, or the retry meets the same pod. */}}
{{- define "whatchat.ingress.ingressNginx" -}}
{{- $cookie := .Values.ingress.cookie -}}
nginx.ingress.kubernetes.io/affinity: cookie
nginx.ingress.kubernetes.io/affinity-mode: persistent
nginx.ingress.kubernetes.io/session-cookie-name: {{ $cookie.name | quote }}
nginx.ingress.kubernetes.io/session-cookie-path: /
nginx.ingress.kubernetes.io/session-cookie-samesite: {{ $cookie.sameSite | quote }}
nginx.ingress.kubernetes.io/session-cookie-secure: {{ eq (include "whatchat.ingress.secure" .) "true" | quote }}
nginx.ingress.kubernetes.io/session-cookie-change-on-failure: "true"
nginx.ingress.kubernetes.io/proxy-connect-timeout: {{ int64 .Values.ingress.timeouts.connectSeconds | quote }}
nginx.ingress.kubernetes.io/proxy-read-timeout: {{ int64 .Values.ingress.timeouts.idleSeconds | quote }}
nginx.ingress.kubernetes.io/proxy-send-timeout: {{ int64 .Values.ingress.timeouts.idleSeconds | quote }}
nginx.ingress.kubernetes.io/proxy-buffering: "off"
nginx.ingress.kubernetes.io/proxy-body-size: {{ printf "%sk" (include "whatchat.ingress.bodyKilobytes" .) | quote }}
nginx.ingress.kubernetes.io/proxy-next-upstream: error timeout http_503
nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "3"
nginx.ingress.kubernetes.io/proxy-next-upstream-timeout: "10"
{{- end }}

{{/* HAProxy Technologies' controller reads the cookie from the Service alone, and what else counts for
one backend as well. The snippet gives the cookie its attributes, takes off the quotes that Python's
clients put around a date with a slash, and takes what a pod that is going refuses, newcomers' GETs, to
another pod; a controller that forbids snippets still is sticky. */}}
{{- define "whatchat.ingress.haproxyService" -}}
{{- $cookie := .Values.ingress.cookie -}}
haproxy.org/cookie-persistence: {{ $cookie.name | quote }}
haproxy.org/load-balance: leastconn
haproxy.org/check: "true"
haproxy.org/check-interval: 2s
haproxy.org/forwarded-for: "true"
haproxy.org/timeout-server: {{ printf "%ds" (int64 .Values.ingress.timeouts.idleSeconds) | quote }}
haproxy.org/backend-config-snippet: |
  dynamic-cookie-key {{ include "whatchat.fullname" . }}
  cookie {{ $cookie.name }} insert indirect nocache dynamic httponly{{ if eq (include "whatchat.ingress.secure" .) "true" }} secure{{ end }} maxidle {{ int64 $cookie.idleSeconds }}s attr "SameSite={{ $cookie.sameSite }}"
  http-request replace-header Cookie '(.*){{ $cookie.name }}="([^"]*)"(.*)' '\1{{ $cookie.name }}=\2\3'
  timeout connect {{ int64 .Values.ingress.timeouts.connectSeconds }}s
  timeout tunnel {{ int64 .Values.ingress.timeouts.idleSeconds }}s
  acl whatchat_socket path_beg /socket.io/
  acl whatchat_in_session url_param(sid) -m found
  http-request disable-l7-retry unless METH_GET whatchat_socket !whatchat_in_session
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response 503
{{- end }}
