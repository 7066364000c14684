{{/* How people reach pods, and who else does. */}}

{{- define "whatchat.validate.service" -}}
{{- $service := .Values.service }}
{{- if and (eq $service.type "ClusterIP") (or $service.nodePort $service.externalTrafficPolicy) }}
{{- fail "service.type: nothing comes to a ClusterIP from outside, so that nodePort and externalTrafficPolicy need another" }}
{{- end }}
{{- if and (ne $service.type "LoadBalancer") (or $service.loadBalancerClass $service.loadBalancerSourceRanges) }}
{{- fail "service.type: loadBalancerClass and loadBalancerSourceRanges need LoadBalancer; another type would let everybody in" }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.ingress" -}}
{{- $ingress := .Values.ingress }}
{{- if $ingress.enabled }}
{{- $heartbeat := add (int64 .Values.config.pingIntervalMs) (int64 .Values.config.pingTimeoutMs) | int64 }}
{{- if not $ingress.preset }}
{{- fail "ingress.preset: name the controller (traefik, nginx, haproxy, ingress-nginx or custom), as each is made sticky in another way" }}
{{- end }}
{{- if and (eq $ingress.preset "custom") (not $ingress.annotations) (not .Values.service.annotations) }}
{{- fail "ingress.annotations: with the preset custom nothing makes clients stay on their pod but annotations here or in service.annotations, and polling needs that" }}
{{- end }}
{{- if and (eq $ingress.preset "nginx") (not $ingress.hosts) }}
{{- fail "ingress.hosts: F5's controller takes no Ingress without a host" }}
{{- end }}
{{- if and (eq $ingress.cookie.sameSite "None") (ne (include "whatchat.ingress.secure" .) "true") }}
{{- fail "ingress.cookie.sameSite: browsers take None over TLS alone; set ingress.tls, or ingress.cookie.secure where TLS ends before the controller" }}
{{- end }}
{{- if le (mul 1000 (int64 $ingress.cookie.idleSeconds)) $heartbeat }}
{{- fail "ingress.cookie.idleSeconds: must exceed config.pingIntervalMs and config.pingTimeoutMs together, as polling clients may be silent for that long" }}
{{- end }}
{{- if le (mul 1000 (int64 $ingress.timeouts.idleSeconds)) $heartbeat }}
{{- fail "ingress.timeouts.idleSeconds: must exceed config.pingIntervalMs and config.pingTimeoutMs together, or sockets are cut between two heartbeats" }}
{{- end }}
{{- $reached := false }}
{{- range $ingress.paths }}
{{- if or (eq .pathType "ImplementationSpecific") (and (eq .pathType "Prefix") (hasPrefix (printf "%s/" (trimSuffix "/" .path)) "/socket.io/")) }}
{{- $reached = true }}
{{- end }}
{{- end }}
{{- if not $reached }}
{{- fail "ingress.paths: none leads to /socket.io/, where clients connect" }}
{{- end }}
{{- range $ingress.tls }}
{{- range .hosts }}
{{- if not (or (not $ingress.hosts) (has . $ingress.hosts)) }}
{{- fail (printf "ingress.tls: %s is not in ingress.hosts, so that nobody is answered by that name" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.httpRoute" -}}
{{- $route := .Values.httpRoute }}
{{- if $route.enabled }}
{{- if not $route.parentRefs }}
{{- fail "httpRoute.parentRefs: name the Gateway, as a route without one leads nowhere" }}
{{- end }}
{{- $persistence := $route.sessionPersistence }}
{{- if and $persistence.enabled (eq $persistence.type "Cookie") (eq $persistence.lifetimeType "Permanent") (not $persistence.absoluteTimeout) }}
{{- fail "httpRoute.sessionPersistence.absoluteTimeout: a Permanent cookie needs an end" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.networkPolicy" -}}
{{- $policy := .Values.networkPolicy }}
{{- range $prefix, $section := dict "store" "mongodb" "redis" "redis" }}
{{- range list "To" "Ports" }}
{{- $name := printf "%s%s" $prefix . }}
{{- if and (index $.Values $section).enabled (index $policy $name) }}
{{- fail (printf "networkPolicy.%s: it is about a server of yours, and %s.enabled puts the trial node in its place" $name $section) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
