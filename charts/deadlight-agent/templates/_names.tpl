{{- define "deadlight-agent.labels" -}}
app.kubernetes.io/name: deadlight-agent
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "deadlight-agent.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "deadlight-agent.secret" -}}
{{ .Values.existingSecret | default (printf "%s-registration" .Release.Name) }}
{{- end -}}

{{- define "deadlight-agent.cluster-uid" -}}
{{- $found := lookup "v1" "Namespace" "" "kube-system" -}}
{{- if .Values.clusterUID -}}
{{ .Values.clusterUID }}
{{- else if $found -}}
{{ $found.metadata.uid }}
{{- else -}}
{{ fail "clusterUID is needed where the cluster cannot be asked: --set clusterUID=$(kubectl get namespace kube-system -o jsonpath='{.metadata.uid}')" }}
{{- end -}}
{{- end -}}

{{- define "deadlight-agent.common-mounts" -}}
- name: registration
  mountPath: /etc/deadlight/registration
  readOnly: true
{{- if .Values.server.ca }}
- name: authority
  mountPath: /etc/deadlight/authority
  readOnly: true
{{- end }}
{{- end -}}

{{- define "deadlight-agent.common-volumes" -}}
- name: registration
  secret:
    secretName: {{ include "deadlight-agent.secret" . }}
    defaultMode: 0400
{{- if .Values.server.ca }}
- name: authority
  configMap:
    name: {{ .Release.Name }}-authority
{{- end }}
{{- end -}}
