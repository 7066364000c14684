{{/* Where people reach the chat, as far as values tell: tests.url, the ingress' or the route's first name. */}}
{{- define "whatchat.publicUrl" -}}
{{- $ingress := .Values.ingress }}
{{- $route := .Values.httpRoute }}
{{- if .Values.tests.url }}
{{- .Values.tests.url }}
{{- else if and $ingress.enabled $ingress.hosts (not (hasPrefix "*" (first $ingress.hosts))) }}
{{- printf "%s://%s" (ternary "https" "http" (or (eq (include "whatchat.ingress.secure" .) "true") (not (empty $ingress.tls)))) (first $ingress.hosts) }}
{{- else if and $route.enabled $route.hostnames (not (hasPrefix "*" (first $route.hostnames))) }}
{{- $secure := false }}
{{- range $route.parentRefs }}
{{- $secure = or $secure (contains "https" (.sectionName | default "")) }}
{{- end }}
{{- printf "%s://%s" (ternary "https" "http" $secure) (first $route.hostnames) }}
{{- end }}
{{- end }}

{{/* The Service, for those within the cluster. */}}
{{- define "whatchat.serviceUrl" -}}
http://{{ include "whatchat.fullname" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ int64 .Values.service.port }}
{{- end }}

{{/* Where polling is checked: nowhere, if nothing keeps clients on their pod. */}}
{{- define "whatchat.stickyUrl" -}}
{{- $url := include "whatchat.publicUrl" . }}
{{- if $url }}{{ $url }}{{ else if eq (include "whatchat.sessionAffinity" .) "ClientIP" }}{{ include "whatchat.serviceUrl" . }}{{ end }}
{{- end }}

{{/* A pod of `helm test`: dict "root" $ "check" "health" "arguments" (list …) "order" 1. */}}
{{- define "whatchat.test" -}}
{{- $root := .root -}}
{{- $one := dict "root" $root "component" "test" "id" 10001 -}}
apiVersion: v1
kind: Pod
metadata:
  {{- $name := printf "%s-test-%s" (include "whatchat.fullname" $root) .check }}
  {{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-weight" (toString .order) "helm.sh/hook-delete-policy" "before-hook-creation" }}
  {{- include "whatchat.metadata" (merge (dict "name" $name "annotations" $hook) $one) | nindent 2 }}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ add (int64 $root.Values.tests.waitSeconds) 300 }}
  {{- include "whatchat.podBasics" $one | nindent 2 }}
  containers:
    - name: check
      image: {{ include "whatchat.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        {{- toYaml (concat (list "check" "--only" .check) .arguments) | nindent 8 }}
      {{- if and (eq .check "message") (not $root.Values.secrets.jwtKeysSecret) }}
      env:
        # The accounts' passwords are derived from it, so that each test uses the same two.
        - name: WHATCHAT_JWT_SECRET
          valueFrom:
            secretKeyRef: {name: {{ include "whatchat.secretName" $root }}, key: jwt-secret, optional: true}
      {{- end }}
      resources:
        {{- toYaml $root.Values.tests.resources | nindent 8 }}
      securityContext:
        {{- include "whatchat.containerSecurity" $root | nindent 8 }}
{{- end }}
