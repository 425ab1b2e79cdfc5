{{- define "memory.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "memory.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "memory.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "memory.selector" . }}
{{- end }}

{{- define "memory.codeServer" -}}
{{ include "memory.name" . }}-code:4000
{{- end }}

{{/* What every pod has: who runs it, where, and on which volumes. Takes (dict "root" $ "backups" bool "tokens" bool). */}}
{{- define "memory.pod" -}}
serviceAccountName: {{ include "memory.name" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 30
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .root.Values.persistence.accessMode "ReadWriteOnce" }}
# A volume of this kind is on one node, and so is everything that works on it.
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "memory.selector" .root | nindent 12 }}
{{- end }}
volumes:
  - name: memory
    persistentVolumeClaim:
      claimName: {{ .root.Values.persistence.existingClaim | default (include "memory.name" .root) }}
  - name: tmp
    emptyDir: {}
  {{- if .backups }}
  - name: backups
    persistentVolumeClaim:
      claimName: {{ .root.Values.backups.existingClaim | default (printf "%s-backups" (include "memory.name" .root)) }}
  {{- end }}
  {{- if .tokens }}
  - name: tokens
    secret:
      secretName: {{ .root.Values.tokens.existingSecret }}
      defaultMode: 0440
      items:
        - key: {{ .root.Values.tokens.key }}
          path: tokens
  {{- end }}
{{- end }}

{{/* What every container has. Takes the same, and "resources". */}}
{{- define "memory.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
env:
  - name: MEMORY_DATABASE_URL
    valueFrom:
      secretKeyRef:
        name: {{ .root.Values.database.existingSecret }}
        key: {{ .root.Values.database.key }}
  {{- with .root.Values.anthropic }}
  {{- if .existingSecret }}
  - name: ANTHROPIC_API_KEY
    valueFrom:
      secretKeyRef:
        name: {{ .existingSecret }}
        key: {{ .key }}
  {{- end }}
  {{- end }}
  {{- with .root.Values.alerts }}
  {{- if .existingSecret }}
  - name: MEMORY_ALERT_URLS
    valueFrom:
      secretKeyRef:
        name: {{ .existingSecret }}
        key: {{ .key }}
  {{- end }}
  {{- end }}
  {{- if .root.Values.backups.enabled }}
  - name: MEMORY_BACKUP_FOLDER
    value: /var/backups/memory-pipeline
  {{- end }}
  {{- range $name, $value := .root.Values.settings }}
  - name: MEMORY_{{ upper $name }}
    value: {{ if kindIs "float64" $value }}{{ printf "%v" (ternary (int64 $value) $value (eq (floor $value) $value)) | quote }}{{ else }}{{ $value | quote }}{{ end }}
  {{- end }}
resources:
  {{- toYaml .resources | nindent 2 }}
volumeMounts:
  - name: memory
    mountPath: /var/lib/memory-pipeline
  - name: tmp
    mountPath: /tmp
  {{- if .backups }}
  - name: backups
    mountPath: /var/backups/memory-pipeline
  {{- end }}
  {{- if .tokens }}
  - name: tokens
    mountPath: /run/secrets/memory-pipeline
    readOnly: true
  {{- end }}
{{- end }}
