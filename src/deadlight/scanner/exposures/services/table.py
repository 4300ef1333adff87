"""The services that are known, a row each."""

from deadlight.scanner.exposures.services.known.apache import APACHE
from deadlight.scanner.exposures.services.known.docker import DOCKER
from deadlight.scanner.exposures.services.known.elasticsearch import ELASTICSEARCH
from deadlight.scanner.exposures.services.known.envoy import ENVOY
from deadlight.scanner.exposures.services.known.etcd import ETCD
from deadlight.scanner.exposures.services.known.ftp_and_rsync import RSYNCD, VSFTPD
from deadlight.scanner.exposures.services.known.grafana import GRAFANA
from deadlight.scanner.exposures.services.known.haproxy import HAPROXY
from deadlight.scanner.exposures.services.known.image import IMAGE
from deadlight.scanner.exposures.services.known.memcached import MEMCACHED
from deadlight.scanner.exposures.services.known.mongodb import MONGODB
from deadlight.scanner.exposures.services.known.mysql import MYSQL
from deadlight.scanner.exposures.services.known.nginx import NGINX
from deadlight.scanner.exposures.services.known.postgresql import ACCESS, POSTGRESQL
from deadlight.scanner.exposures.services.known.prometheus import PROMETHEUS
from deadlight.scanner.exposures.services.known.rabbitmq import RABBITMQ
from deadlight.scanner.exposures.services.known.redis import REDIS
from deadlight.scanner.exposures.services.known.spring import SPRING
from deadlight.scanner.exposures.services.known.sshd import SSHD
from deadlight.scanner.exposures.services.known.tomcat import TOMCAT
from deadlight.scanner.exposures.services.known.traefik import TRAEFIK
from deadlight.scanner.exposures.services.service import Service

SERVICES: tuple[Service, ...] = (
    NGINX,
    APACHE,
    ENVOY,
    ETCD,
    PROMETHEUS,
    REDIS,
    ACCESS,
    POSTGRESQL,
    MYSQL,
    MONGODB,
    ELASTICSEARCH,
    RABBITMQ,
    MEMCACHED,
    GRAFANA,
    HAPROXY,
    TRAEFIK,
    TOMCAT,
    SSHD,
    RSYNCD,
    VSFTPD,
    DOCKER,
    SPRING,
    IMAGE,
)
"""In the order in which a file that several could read is given to one: the first."""
