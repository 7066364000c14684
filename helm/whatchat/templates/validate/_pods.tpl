{{/* How pods run, how many, and how they end. */}}

{{- define "whatchat.validate.server" -}}
{{- $server := .Values.server }}
{{- $end := int (include "whatchat.serverEnd" .) }}
{{- if lt (int (include "whatchat.serverGrace" .)) $end }}
{{- fail (printf "server.terminationGracePeriodSeconds: it must be at least %d, or pods are killed before their clients have moved" $end) }}
{{- end }}
{{- $start := add $server.migrate.waitSeconds (mul $server.startupProbe.periodSeconds $server.startupProbe.failureThreshold) $server.minReadySeconds | int }}
{{- if le (int $server.progressDeadlineSeconds) $start }}
{{- fail (printf "server.progressDeadlineSeconds: it must be more than %d, or an update counts as failed while a pod still waits for the store" $start) }}
{{- end }}
{{- include "whatchat.validate.extraEnv" (dict "root" $ "path" "server" "extra" $server.extraEnv) }}
{{- end }}

{{- define "whatchat.validate.worker" -}}
{{- $end := int (include "whatchat.workerEnd" .) }}
{{- if lt (int (include "whatchat.workerGrace" .)) $end }}
{{- fail (printf "worker.terminationGracePeriodSeconds: it must be at least %d, or workers are killed before they have finished what is in hand" $end) }}
{{- end }}
{{- include "whatchat.validate.extraEnv" (dict "root" $ "path" "worker" "extra" .Values.worker.extraEnv) }}
{{- end }}

{{- define "whatchat.validate.extraEnv" -}}
{{- $ours := concat (keys (include "whatchat.variables" .root | fromYaml)) (list "WHATCHAT_AUDIT_HEADS_FILE") }}
{{- range include "whatchat.secretVariables" .root | fromYamlArray }}
{{- $ours = append $ours .name }}
{{- end }}
{{- range .extra }}
{{- if has .name $ours }}
{{- fail (printf "%s.extraEnv: %s comes from config or secrets, which count on it" $.path .name) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "whatchat.validate.autoscaling" -}}
{{- $scaling := .Values.autoscaling }}
{{- if ne $scaling.kind "none" }}
{{- $least := int64 $scaling.minReplicas }}
{{- $most := int64 $scaling.maxReplicas }}
{{- if lt $most $least }}
{{- fail (printf "autoscaling.maxReplicas: %d is less than autoscaling.minReplicas, which is %d" $most $least) }}
{{- end }}
{{- if not (or $scaling.sockets $scaling.cpu) }}
{{- fail "autoscaling.sockets: it and autoscaling.cpu are 0, so that there is nothing to go by; give one of them, or set autoscaling.kind to none" }}
{{- end }}
{{- if and $scaling.cpu (not (dig "requests" "cpu" "" .Values.server.resources)) }}
{{- fail "autoscaling.cpu: it is a part of what pods ask for, and server.resources.requests.cpu names nothing" }}
{{- end }}
{{- $period := int64 $scaling.scaleDown.periodSeconds }}
{{- $grace := include "whatchat.serverGrace" . | int64 }}
{{- if lt $period $grace }}
{{- fail (printf "autoscaling.scaleDown.periodSeconds: a pod may take %d s to move its people, and the next would go after %d s" $grace $period) }}
{{- end }}
{{- $unavailable := toString .Values.server.pdb.maxUnavailable }}
{{- if and .Values.server.pdb.enabled (gt $least 1) (regexMatch "^[0-9]+$" $unavailable) (ge (int64 $unavailable) $least) }}
{{- fail (printf "autoscaling.minReplicas: all %d pods could be taken at once, as server.pdb.maxUnavailable allows %s" $least $unavailable) }}
{{- end }}
{{- end }}
{{- if eq $scaling.kind "keda" }}
{{- if and $scaling.sockets (not $scaling.keda.prometheus) }}
{{- fail "autoscaling.keda.prometheus: KEDA asks it for the sockets, so that it needs its address" }}
{{- end }}
{{- if gt (int64 $scaling.keda.fallback.replicas) (int64 $scaling.maxReplicas) }}
{{- fail "autoscaling.keda.fallback.replicas: it is more than autoscaling.maxReplicas" }}
{{- end }}
{{- end }}
{{- end }}
