{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* The options of the agent, by name, as one JSON object. Those of agent.options go before the others. */}}
{{- define "vedette.options" -}}
{{- $v := .Values -}}
{{- $o := dict
  "log-level" $v.agent.logLevel
  "log-format" $v.agent.logFormat
  "procfs" "/procRoot"
  "enable-process-cred" $v.agent.enableProcessCred
  "enable-process-ns" $v.agent.enableProcessNs
-}}
{{- if $v.clusterName }}{{ $_ := set $o "cluster-name" $v.clusterName }}{{ end -}}
{{- if $v.kubernetes.enabled }}
{{- $_ := set $o "enable-k8s-api" true }}
{{- $_ := set $o "enable-tracing-policy-crd" $v.kubernetes.policies }}
{{- $_ := set $o "enable-pod-annotations" $v.kubernetes.podAnnotations }}
{{- end -}}
{{- if $v.cri.enabled }}
{{- $_ := set $o "enable-cri" true }}
{{- $_ := set $o "cri-endpoint" "unix:///run/cri/cri.sock" }}
{{- end -}}
{{- $e := $v.export -}}
{{- if or (eq $e.mode "file") (eq $e.mode "stdout") }}
{{- $_ := set $o "export-filename" (eq $e.mode "file" | ternary (printf "/var/log/vedette/%s" $e.file.name) "/dev/stdout") }}
{{- $_ := set $o "export-rate-limit" ($e.rateLimit | int) }}
{{- if $e.allowlist }}{{ $_ := set $o "export-allowlist" $e.allowlist }}{{ end }}
{{- if $e.denylist }}{{ $_ := set $o "export-denylist" $e.denylist }}{{ end }}
{{- if $e.fieldFilters }}{{ $_ := set $o "field-filters" $e.fieldFilters }}{{ end }}
{{- end }}
{{- if eq $e.mode "file" }}
{{- $_ := set $o "export-file-max-size-mb" ($e.file.maxSizeMB | int) }}
{{- $_ := set $o "export-file-max-backups" ($e.file.maxBackups | int) }}
{{- $_ := set $o "export-file-compress" $e.file.compress }}
{{- $_ := set $o "export-file-perm" $e.file.perm }}
{{- end }}
{{- range $name, $value := $v.agent.options }}{{ $_ := set $o $name $value }}{{ end -}}
{{- toJson $o -}}
{{- end -}}
