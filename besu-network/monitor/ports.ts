/** Where `network:monitor` listens unless told otherwise, on loopback. */
export const EXPORTER_PORT = 9600;
export const PROMETHEUS_PORT = 9090;
