"""Programs that read whatever there is: that they opened a file says nothing about who uses it.

The names are those of processes (15 bytes at most). A process can give itself any name; it then hides its own opens
from the evidence that a package is in use, and from nothing else: rules about sensitive files see them all the same.
"""

_PACKAGES = """
dpkg dpkg-deb dpkg-query dpkg-preconfigure apt apt-get apt-cache apt-key aptitude unattended-upgr debconf
rpm rpm2cpio rpmdb yum dnf dnf5 microdnf tdnf zypper apk pacman opkg xbps-install swupd emerge
pip pip3 pip3.9 pip3.10 pip3.11 pip3.12 pip3.13 pipx poetry uv conda mamba micromamba easy_install
npm npx yarn pnpm corepack gem bundle bundler composer cargo go mvn gradle nuget cpan cpanm luarocks
"""

_SCANNERS = """
trivy grype syft osv-scanner clair clairctl lynis rkhunter chkrootkit clamscan clamd clamdscan freshclam aide tripwire
debsums debsecan needrestart checkrestart osqueryd osqueryi falco tracee wazuh-agentd wazuh-syscheckd ossec-syscheckd
"""

_COPIES = """
tar bsdtar gtar rsync cp mv install ln dd cpio zip unzip gzip gunzip zcat bzip2 xz zstd 7z scp sftp restic borg
duplicity rclone velero kopia
"""

_READERS = """
find grep egrep fgrep rg ag du df ls stat file cat head tail wc sort uniq cut awk gawk mawk sed diff cmp strings od xxd
hexdump md5sum sha1sum sha256sum sha512sum b2sum cksum updatedb locate mlocate plocate ldconfig ldd ld readelf objdump
nm strip realpath readlink chmod chown touch rm xargs tee less more
"""

_SHELLS = "sh bash dash ash zsh ksh fish busybox"

TOOLS = tuple(f"{_PACKAGES} {_SCANNERS} {_COPIES} {_READERS} {_SHELLS}".split())
"""Names of processes."""
