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

{{- define "deadlight-agent.admission-secret" -}}
{{ .Values.admission.existingSecret | default (printf "%s-admission" .Release.Name) }}
{{- end -}}

{{- /* Certificate, key, authority and token of the admission endpoint, as base64, in .Values.admission.made: those that
are there already, else new ones. Made once for all templates of a rendering. */ -}}
{{- define "deadlight-agent.make-admission" -}}
{{- if not .Values.admission.made -}}
{{- $host := printf "%s-admission.%s.svc" .Release.Name .Release.Namespace -}}
{{- $known := lookup "v1" "Secret" .Release.Namespace (printf "%s-admission" .Release.Name) -}}
{{- if .Values.admission.existingSecret -}}
{{- $token := required "admission.token is needed with admission.existingSecret" .Values.admission.token -}}
{{- $authority := required "admission.caBundle is needed with admission.existingSecret" .Values.admission.caBundle -}}
{{- $_ := set .Values.admission "made" (dict "ca" (b64enc $authority) "token" (b64enc $token)) -}}
{{- else if $known -}}
{{- $data := $known.data -}}
{{- $made := dict "ca" (index $data "ca.crt") "crt" (index $data "tls.crt") "key" (index $data "tls.key") -}}
{{- $_ := set .Values.admission "made" (set $made "token" (index $data "token")) -}}
{{- else -}}
{{- $authority := genCA "deadlight-admission" 3650 -}}
{{- $made := genSignedCert $host nil (list $host) 3650 $authority -}}
{{- $made = dict "ca" (b64enc $authority.Cert) "crt" (b64enc $made.Cert) "key" (b64enc $made.Key) -}}
{{- $_ := set .Values.admission "made" (set $made "token" (randAlphaNum 32 | b64enc)) -}}
{{- end -}}
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
