/** Tests are TypeScript ES modules; swc strips the types, Node runs the modules as they are. */
export default {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'es6' },
      },
    ],
  },
  // The servers under test mostly wait for each other, so three workers keep two cores busy.
  maxWorkers: 3,
  // The real servers under test start in seconds, but Spark on a loaded machine takes its time.
  testTimeout: 60_000,
}
