import { tools } from '../../local/toolchain/tools.ts'

/** What a program on plain Spark sees of the environment: the pinned tools, and nothing of this machine's own settings. */
export function sparkEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    JAVA_HOME: tools.javaHome,
    SPARK_HOME: tools.sparkHome,
    SPARK_LOCAL_IP: '127.0.0.1',
    PYSPARK_PYTHON: tools.python,
    PYSPARK_DRIVER_PYTHON: tools.python,
    PYTHONDONTWRITEBYTECODE: '1',
  }
}
